#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Makes the files in corpus/ (run by hand): small files that are wrong in one way each.
#   protoc -I formats/onnx --python_out=DIR onnx.proto; PYTHONPATH=DIR make_corpus.py
import os
import onnx_pb2 as onnx

FLOAT, INT64, UINT8, INT8 = 1, 7, 2, 3
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus"))


def model(opset=13):
    m = onnx.ModelProto(ir_version=8)
    m.opset_import.add(domain="", version=opset)
    m.graph.name = "g"
    add_value(m.graph.input, "x", FLOAT, [1, 4])
    add_value(m.graph.output, "y", FLOAT, [1, 4])
    return m


def add_value(values, name, kind, dims):
    v = values.add(name=name)
    v.type.tensor_type.elem_type = kind
    for d in dims:
        v.type.tensor_type.shape.dim.add(dim_value=d)


def tensor(m, name, kind, dims, raw):
    m.graph.initializer.add(name=name, data_type=kind, dims=dims, raw_data=raw)


def node(m, op, inputs, outputs, **attributes):
    n = m.graph.node.add(op_type=op, input=inputs, output=outputs)
    for key, value in attributes.items():
        a = n.attribute.add(name=key)
        if isinstance(value, float):
            a.f, a.type = value, 1
        elif isinstance(value, list):
            a.ints.extend(value)
            a.type = 7
        else:
            a.i, a.type = value, 2
    return n


def save(m, name):
    open(name + ".onnx", "wb").write(m.SerializeToString())


def ints(*values):
    return b"".join(v.to_bytes(8, "little", signed=True) for v in values)


m = model(); tensor(m, "w", FLOAT, [1 << 40, 1 << 40], b"1234"); node(m, "Add", ["x", "w"], ["y"]); save(m, "dims_overflow")
m = model(); tensor(m, "w", FLOAT, [-4], b"1234"); node(m, "Add", ["x", "w"], ["y"]); save(m, "negative_dims")
m = model(); tensor(m, "w", FLOAT, [4], b"1234"); node(m, "Add", ["x", "w"], ["y"]); save(m, "too_few_bytes")
m = model(); tensor(m, "w", 42, [4], b"1234"); node(m, "Add", ["x", "w"], ["y"]); save(m, "unknown_type")
for name, where in [("outside", "../../secret"), ("absolute", "/etc/passwd"), ("missing", "none.data"), ("empty", "")]:
    m = model()
    t = m.graph.initializer.add(name="w", data_type=FLOAT, dims=[4], data_location=1)
    t.external_data.add(key="location", value=where)
    node(m, "Add", ["x", "w"], ["y"])
    save(m, "external_" + name)
m = model(); tensor(m, "s", INT64, [2], ints(1 << 30, 1 << 30)); node(m, "ConstantOfShape", ["s"], ["y"]); save(m, "huge_fill")
m = model(); tensor(m, "s", INT64, [2], ints(1 << 20, 1 << 20)); tensor(m, "c", FLOAT, [1], b"\0" * 4); node(m, "Expand", ["c", "s"], ["y"]); save(m, "huge_expand")
m = model(18); m.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1 << 20; tensor(m, "s", FLOAT, [1], b"\0" * 4); before = "x"
for i in range(12):
    node(m, "GroupNormalization", [before, "s", "s"], ["y" if i == 11 else str(i)], num_groups=1); before = str(i)
save(m, "group_norms_of_millions")
m = model(); tensor(m, "s", INT64, [1], ints(9)); tensor(m, "c", FLOAT, [2], b"\0" * 8); node(m, "Gather", ["c", "s"], ["y"]); save(m, "gather_beyond")
m = model(); node(m, "If", ["x"], ["y"]); save(m, "if_unknown")
m = model(); tensor(m, "c", 9, [], b"\1"); node(m, "If", ["c"], ["y"]); save(m, "if_without_branches")
m = model(11); node(m, "Softmax", [], ["y"]); save(m, "no_inputs")
m = model(6); node(m, "Add", ["x", ""], ["y"], broadcast=1, axis=0); save(m, "empty_input")
m = model(); node(m, "QuantizeLinear", ["x"], ["y"]); save(m, "quantize_without_scale")
m = model(); node(m, "DequantizeLinear", ["x", "x"], ["y"]); save(m, "dequantize_floats")
m = model(); node(m, "QLinearConv", ["x", "x", "x"], ["y"]); save(m, "qlinear_short")
m = model(); tensor(m, "s", FLOAT, [1], b"\0" * 4); node(m, "QuantizeLinear", ["x", "s"], ["q"]); node(m, "DequantizeLinear", ["q", "s"], ["y"]); save(m, "zero_scale")
m = model(); node(m, "Relu", ["z"], ["y"]); save(m, "undefined_name")
m = model(); node(m, "Relu", ["x"], ["y"]); node(m, "Relu", ["x"], ["y"]); save(m, "defined_twice")
m = model(); node(m, "Frobnicate", ["x"], ["y"]); save(m, "unknown_operator")
m = model(); node(m, "Relu", ["x"], ["y"]).domain = "evil\x1b[2J\n"; save(m, "hostile_domain")
m = model(18); node(m, "Split", ["x"], ["y"], axis=1, num_outputs=1 << 40); save(m, "endless_split")
m = model(18); tensor(m, "s", FLOAT, [1], b"\0" * 4); tensor(m, "b", FLOAT, [1], b"\0" * 4)
del m.graph.input[:]; add_value(m.graph.input, "x", FLOAT, [1, 1 << 38, 1]); node(m, "GroupNormalization", ["x", "s", "b"], ["y"], num_groups=1); save(m, "endless_groups")
m = model(); node(m, "Relu", ["x"], ["y"]); m.opset_import[0].version = 99; save(m, "future_opset")
m = model(); n = m.graph.node.add(op_type="Constant", output=["y"]); save(m, "empty_constant")
m = model(); node(m, "Relu", ["x"], ["y"]); m.metadata_props.add(key="pare.history", value="{"); save(m, "broken_metadata")
m = model(); g = m.graph
for _ in range(60):
    n = g.node.add(op_type="If", input=["x"], output=["y"])
    a = n.attribute.add(name="then_branch", type=5); g = a.g
save(m, "nested_branches")

# And two that are right: external data, and a branch that an input decides.
os.chdir("../fixtures")
m = model(); t = m.graph.initializer.add(name="w", data_type=FLOAT, dims=[4], data_location=1)
for key, value in [("location", "external.data"), ("offset", "8"), ("length", "16")]:
    t.external_data.add(key=key, value=value)
node(m, "Add", ["x", "w"], ["y"]); save(m, "external")
import struct
open("external.data", "wb").write(struct.pack("<6f", 9, 9, 1, 2, 3, 4))
m = model(); add_value(m.graph.input, "rate", INT64, [])
tensor(m, "limit", INT64, [], ints(16000)); node(m, "Equal", ["rate", "limit"], ["fast"])
n = node(m, "If", ["fast"], ["y"])
for name, op in [("then_branch", "Relu"), ("else_branch", "Neg")]:
    a = n.attribute.add(name=name, type=5); a.g.name = name
    a.g.node.add(op_type=op, input=["x"], output=["b"]); add_value(a.g.output, "b", FLOAT, [1, 4])
save(m, "branches")
