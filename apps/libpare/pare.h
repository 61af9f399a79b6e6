/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a .pare model from C, or from any language that can call C: load, fill the inputs, run, read
 * the outputs. Link with -lpare; see examples/infer.c.
 *
 * A pare_model belongs to one thread at a time; several models may run at once. After loading, a
 * run of codes allocates nothing and takes no lock. Dims are in the order of the model (NCHW
 * images); the first is the batch. Functions that can fail return NULL, -1 or nonzero and leave one
 * line in pare_last_error(). */
#ifndef PARE_H
#define PARE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pare_model pare_model;

/* The elements of an input or output buffer. Quantized inputs and outputs are f32 here: codes are
 * converted inside. */
typedef enum pare_dtype {
  PARE_F32 = 0,
  PARE_I64 = 1,
  PARE_I32 = 2,
  PARE_U8 = 3,
  PARE_I8 = 4,
  PARE_BOOL = 5, /* a byte each */
  PARE_OTHER = 6 /* pare_input_bytes() says how large they are */
} pare_dtype;

/* "0.1.0" */
const char* pare_version(void);
/* What went wrong in the last call of this thread that failed; "" before one did. Valid until the
 * next call of this thread that fails. */
const char* pare_last_error(void);

/* Reads a model and plans it for `batch` items (>= 1) on `threads` threads (0: all that this
 * process may use). NULL when the file is missing, damaged or not a .pare file, or has no graph. */
pare_model* pare_load(const char* path, int64_t batch, int threads);
void pare_free(pare_model* model); /* NULL is allowed */

int pare_input_count(const pare_model* model);
int pare_output_count(const pare_model* model);

/* Of input or output `index`, counted from 0. Names and dims live as long as the model. NULL or -1
 * when there is no such index. */
const char* pare_input_name(const pare_model* model, int index);
const char* pare_output_name(const pare_model* model, int index);
int pare_input_rank(const pare_model* model, int index);
int pare_output_rank(const pare_model* model, int index);
const int64_t* pare_input_dims(const pare_model* model, int index);
const int64_t* pare_output_dims(const pare_model* model, int index);
pare_dtype pare_input_dtype(const pare_model* model, int index);
pare_dtype pare_output_dtype(const pare_model* model, int index);
size_t pare_input_bytes(const pare_model* model, int index);
size_t pare_output_bytes(const pare_model* model, int index);

/* The buffers themselves, row-major, owned by the model and at the same address for its life.
 * Inputs keep their values from run to run; outputs hold those of the last run. */
void* pare_input(pare_model* model, int index);
const void* pare_output(const pare_model* model, int index);

/* 0, or -1. */
int pare_run(pare_model* model);

#ifdef __cplusplus
}
#endif

#endif
