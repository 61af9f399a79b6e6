#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Makes fixtures/qoperator.onnx and its input (run by hand); qoperator_y.npy is what ONNX Runtime
# 1.30 makes of them, by tests/interop/onnxruntime.js.
#   protoc -I formats/onnx --python_out=DIR onnx.proto; PYTHONPATH=DIR make_qoperator.py FOLDER
import sys

import numpy as np
import onnx_pb2 as onnx

r=np.random.default_rng(3)
m=onnx.ModelProto(ir_version=8); m.opset_import.add(domain="",version=13); m.opset_import.add(domain="com.microsoft",version=1)
g=m.graph; g.name="q"
def vi(vs,n,dims):
    v=vs.add(name=n); v.type.tensor_type.elem_type=1
    for d in dims: v.type.tensor_type.shape.dim.add(dim_value=d)
vi(g.input,"x",[2,2,5,5]); vi(g.output,"y",[2,3])
def t(n,a,k): g.initializer.add(name=n,data_type=k,dims=a.shape,raw_data=a.tobytes())
t("xs",np.array(.05,'f4'),1); t("xz",np.array(120,'u1'),2)
t("w_quantized",r.integers(-127,128,(4,2,3,3)).astype('i1'),3); t("ws",(r.random(4)*.01+.001).astype('f4'),1); t("wz",np.zeros(4,'i1'),3)
t("b_quantized",r.integers(-500,500,4).astype('i4'),6); t("cs",np.array(.04,'f4'),1); t("cz",np.array(7,'u1'),2)
t("ps",np.array(.02,'f4'),1); t("pz",np.array(3,'u1'),2)
t("f_quantized",r.integers(-127,128,(4,3)).astype('i1'),3); t("fs",np.array(.01,'f4'),1); t("fz",np.array(0,'i1'),3)
t("ys",np.array(.3,'f4'),1); t("yz",np.array(128,'u1'),2)
def n(op,i,o,dom="",**kw):
    x=g.node.add(op_type=op,input=i,output=o,domain=dom)
    for k,v in kw.items():
        a=x.attribute.add(name=k)
        if isinstance(v,list): a.ints.extend(v); a.type=7
        else: a.i=v; a.type=2
n("QuantizeLinear",["x","xs","xz"],["xq"])
n("QLinearConv",["xq","xs","xz","w_quantized","ws","wz","cs","cz","b_quantized"],["c"],kernel_shape=[3,3],pads=[1,1,1,1])
n("QLinearAdd",["c","cs","cz","c","cs","cz","cs","cz"],["a"],"com.microsoft")
n("MaxPool",["a"],["mp"],kernel_shape=[2,2],strides=[2,2])
n("QLinearGlobalAveragePool",["mp","cs","cz","ps","pz"],["p"],"com.microsoft",channels_last=0)
n("Flatten",["p"],["fl"],axis=1)
n("QLinearMatMul",["fl","ps","pz","f_quantized","fs","fz","ys","yz"],["yq"])
n("DequantizeLinear",["yq","ys","yz"],["y"])
d=sys.argv[1]
open(d+'/qoperator.onnx','wb').write(m.SerializeToString())
np.save(d+'/qoperator_x.npy', r.normal(0,2,(2,2,5,5)).astype('f4'))
