/* SPDX-License-Identifier: Apache-2.0 */
/* Classifies one item with a .pare model: prints the largest of its outputs.
 *   cc infer.c -lpare -o infer && ./infer model.pare < item.f32
 * The item is read as raw 32-bit floats, preprocessed as the model expects. */
#include "pare.h"
#include <stdio.h>

int main(int argc, char** argv) {
  pare_model* model = argc == 2 ? pare_load(argv[1], 1, 1) : NULL;
  if (model == NULL) {
    fprintf(stderr, "infer: %s\n",
            argc == 2 ? pare_last_error() : "usage: infer MODEL.pare < ITEM");
    return 1;
  }
  const size_t bytes = pare_input_bytes(model, 0);
  if (pare_input_dtype(model, 0) != PARE_F32 ||
      fread(pare_input(model, 0), 1, bytes, stdin) != bytes) {
    fprintf(stderr, "infer: expected %zu bytes of floats on stdin\n", bytes);
    return 1;
  }
  if (pare_run(model) != 0) {
    fprintf(stderr, "infer: %s\n", pare_last_error());
    return 1;
  }
  const float* scores = pare_output(model, 0);
  const size_t count = pare_output_bytes(model, 0) / sizeof(float);
  size_t best = 0;
  for (size_t i = 1; i < count; ++i) {
    if (scores[i] > scores[best]) best = i;
  }
  printf("class %zu, score %g\n", best, scores[best]);
  pare_free(model);
  return 0;
}
