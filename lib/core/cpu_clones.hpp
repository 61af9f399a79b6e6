// SPDX-License-Identifier: Apache-2.0
// PARE_CPU_CLONES before the definition of a function compiles it once for each level of x86-64
// (SSE2, AVX2, AVX-512), and the loader binds the one that this CPU runs: for plain loops over many
// values outside the runtime, which has kernels of its own per ISA. The results are the same bits
// on every CPU: no fused multiply-adds (-ffp-contract=off), and sums must have a fixed number of
// lanes. Files that use it are compiled with -O3. Elsewhere, and under sanitizers, which do not get
// along with functions bound by the loader, there is one copy.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PARE_CPU_CLONES \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define PARE_CPU_CLONES
#endif
