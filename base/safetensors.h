/* safetensors.h -- named arrays in a file that anyone can read
 *
 *      +--------+----------------------------------+---------------------------------+
 *      | u64 LE | header: JSON, padded with spaces | data, nothing between the parts |
 *      +--------+----------------------------------+---------------------------------+
 *       length   {"__metadata__":{"checksum":"xxh3-64:...", ..., "writer":"godwit"},
 *                 "fc.bias":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}}
 *
 * Format: https://huggingface.co/docs/safetensors. We write data at a multiple of 64 bytes, wide
 * types first, then by name. Our files carry the XXH3-64 of the whole file (its own 16 digits
 * counted as zeros) at a fixed place in the metadata, and "writer":"godwit" at its end: one flipped
 * bit anywhere is refused, and other readers see plain metadata. The reader maps the file and takes
 * nothing on trust: see safetensors.c for the rules. Refusals are ERR_FORMAT.
 */
#pragma once
#include "base/arena.h"
#include "base/file.h"
#include "base/status.h"

typedef enum SafeType {
    SAFE_F64,
    SAFE_F32,
    SAFE_F16,
    SAFE_BF16,
    SAFE_I64,
    SAFE_I32,
    SAFE_I16,
    SAFE_I8,
    SAFE_U8,
    SAFE_BOOL,
    SAFE_TYPES
} SafeType;

enum { SAFE_DIMS = 8, SAFE_MAX_TENSORS = 100000, SAFE_MAX_HEADER = 100 * 1000 * 1000 };

typedef struct SafeTensor {
    const char *name;
    SafeType    type;
    int         n_dims;         // 0: a scalar
    int64_t     dim[SAFE_DIMS]; // each >= 0
    const void *data; // bytes of the array, C order, little-endian; aligned to its type in our own
                      // files only
    int64_t     n_bytes; // product(dim) * size; may be left 0 for writing
} SafeTensor;

typedef struct SafeMeta {
    const char *key;
    const char *value;
} SafeMeta;

typedef struct SafeFile {
    const char *path;
    SafeTensor *tensor; // sorted by name
    int64_t     n;
    SafeMeta   *meta; // sorted by key
    int64_t     n_meta;
    bool        has_checksum;
    FileMap     map;
    Arena       arena;
} SafeFile;

int64_t     safetensors_type_size(SafeType type);   // bytes of one element
const char *safetensors_type_name(SafeType type);   // "F32"
int64_t     safetensors_count(const SafeTensor *t); // elements

/* Maps and checks the file, checksum included. Close with safetensors_close, also after a failure
 * (then harmless). */
Status safetensors_open(SafeFile *f, const char *path) STATUS_MUST_USE;

/* The same on bytes in memory, which must outlive f. `name` is for sentences. */
Status safetensors_open_bytes(SafeFile *f, const char *bytes, int64_t n,
                              const char *name) STATUS_MUST_USE;
void   safetensors_close(SafeFile *f);

const SafeTensor *safetensors_find(const SafeFile *f, const char *name); // NULL when absent
const char       *safetensors_meta(const SafeFile *f, const char *key);  // NULL when absent

/* out[count] = the values as float32 (F64 rounded, integers converted, BOOL 0 or 1). ERR_SHAPE when
 * count is not the tensor's. */
Status safetensors_to_f32(const SafeTensor *t, float *out, int64_t count) STATUS_MUST_USE;

/* Writes through file_replace. Names are unique, 1..4096 bytes, valid UTF-8, not "__metadata__";
 * the order given does not matter. Metadata keys "checksum" and "writer" are ours; "format": "pt"
 * is added unless given. */
Status safetensors_write(const char *path, const SafeTensor *tensors, int64_t n,
                         const SafeMeta *meta, int64_t n_meta) STATUS_MUST_USE;

/* One value. Rounding to nearest even; NaN stays NaN. */
float    safetensors_f16_to_f32(uint16_t h);
uint16_t safetensors_f32_to_f16(float f);
float    safetensors_bf16_to_f32(uint16_t h);
uint16_t safetensors_f32_to_bf16(float f);
