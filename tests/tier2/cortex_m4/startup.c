// SPDX-License-Identifier: Apache-2.0
// Starts a program on QEMU's mps2-an386, a Cortex-M4 with an FPU: the two vectors it needs, then
// newlib's own start-up, whose input and output go through semihosting.
#include <stdint.h>

extern uint32_t stack_top;
void _start(void);

static void reset(void) {
  volatile uint32_t* const coprocessor_access = (volatile uint32_t*)0xE000ED88u;
  *coprocessor_access |= (uint32_t)0xF << 20;  // the FPU is off after reset
  _start();
}

__attribute__((section(".vectors"), used)) static const struct {
  const uint32_t* stack;
  void (*reset)(void);
} vectors = {&stack_top, reset};
