/* loops.h -- the vectorised inner loops of the cpu backend
 *
 * cpu/simd/loops.c is compiled once for each instruction set (x86-64-v2, -v3, -v4, and -v4 with bf16 products) into a table like this; the widest
 * one that the machine has is chosen at the first call. A loop sees plain memory of one thread's share: `rows` rows of
 * C channels, elements f32 or bf16. Sums are taken in a fixed order.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* How a batch norm's backward finds what passed the ReLU. */
typedef enum MaskKind {
    MASK_NONE, // there was no ReLU
    MASK_BY_Y, // y > 0
} MaskKind;

typedef struct NormRows {
    const void  *x, *dy, *y;    // y: with MASK_BY_Y
    void        *dx, *residual; // residual: the operand (forward) or its gradient (backward); NULL
    const float *scale, *shift; // forward: y = x * scale + shift
    const float *k, *p, *q;     // backward: dx = dy * k + x * p + q
    const float *mean;
    float       *sum, *dot; // backward: sum of dy, and of dy * (x - mean), written
    float        beta_dx, beta_residual;
    MaskKind     mask;
    bool         relu;
} NormRows;

/* The loops of one element type. */
typedef struct TypedLoops {
    void (*moments)(float *mean, float *m2, const void *x, int64_t ld, int64_t rows,
                    int64_t C); // m2: sum of squared deviations; ld: elements from row to row
    void (*norm)(void *y, const NormRows *n, int64_t rows, int64_t C);
    void (*norm_sums)(const NormRows *n, int64_t rows,
                      int64_t C); // also writes the residual's gradient
    void (*norm_apply)(const NormRows *n, int64_t rows, int64_t C);
    void (*relu)(void *y, const void *x, int64_t n);
    void (*relu_back)(void *dx, const void *dy, const void *y, float beta, int64_t n);
    void (*add)(void *y, const void *a, const void *b, int64_t n);
    void (*accumulate)(void *dx, const void *dy, float beta, int64_t n); // dx = beta dx + dy
    void (*fill)(void *x, float value, int64_t n);
    void (*max_of)(void *y, uint8_t *where, const void *x, uint8_t tap, bool is_first, int64_t n);
    void (*max_back)(void *dx, const void *dy, const uint8_t *where, uint8_t tap,
                     int64_t n); // dx += where taken
    void (*sum_rows)(float *sum, const void *x, int64_t rows, int64_t C);
    void (*spread)(void *dx, const float *row, float beta, int64_t rows,
                   int64_t C); // each row beta dx + row
} TypedLoops;

/* c (rows, n) = [c +] a (rows, taps K) . b (taps K, n) [+ bias]: see simd/gemm.h. K counts units of 4 bytes. */
typedef struct Product {
    int64_t rows, n, K, taps;
    const void *const
        *a; // (taps, round_up(rows, mr)): where row i starts at a tap; the last row repeats
    const int64_t *tap;    // (taps): its rows of b start at tap K
    const void    *b;      // panels of `nr` columns, 64-byte aligned
    int64_t        panel;  // units from panel to panel
    void *const   *c;      // (rows): where row i starts
    float         *sums;   // (round_up(rows, mr), nr) to work in
    const float   *bias;   // (n) or NULL
    bool           adds;   // the old c
    bool           is_low; // c is bf16, else f32
} Product;

/* c (rows, n) = [c +] a (places, rows)' . b (places, n), f32. The places of a group lie one after the other; of a panel,
 * line by line: place q of line l is line[l] + q step. */
typedef struct Outer {
    int64_t        rows, n, n_lines, Q;
    const void    *a; // groups of `mr` rows, `group` units apart
    const void    *b; // panels of `nr` columns, `panel` units apart, 64-byte aligned
    int64_t        group, panel, step;
    const int64_t *line; // (n_lines)
    float         *c;
    int64_t        ldc;
    bool           adds;
} Outer;

/* What becomes one unit, element by element: rows of at[0], and with pairs the rows of at[1] beside them. */
typedef struct Strands {
    const void *at[2];
    int64_t     ld[2]; // elements from row to row
} Strands;

/* Products of operands of one type. */
typedef struct ProductLoops {
    int pair; // elements of a unit: 1 (f32, or bf16 widened while packing), 2 (bf16); 0: not on this machine
    void (*product)(const Product *p);
    void (*outer)(const Outer *p);
    /* Panels of nr columns (groups of mr rows) from K units of n columns; what is missing of the last becomes zero.
     * stride: units from panel to panel, at least K nr. */
    void (*pack_panels)(void *to, const Strands *from, int64_t K, int64_t n, int64_t stride);
    void (*pack_groups)(void *to, const Strands *from, int64_t K, int64_t rows, int64_t stride);
    /* One panel of n <= nr columns, each of which lies as K elements in a row. */
    void (*pack_turned)(void *to, const void *from, int64_t ld, int64_t K, int64_t n);
} ProductLoops;

typedef struct CpuLoops {
    const char *level; // "x86-64-v3"
    int         lanes; // f32 in one register
    TypedLoops  f32, bf16;
    void (*widen)(float *to, const uint16_t *from, int64_t n);
    void (*narrow)(uint16_t *to, const float *from, int64_t n);
    void (*narrow_add)(uint16_t *to, const float *from, float beta, int64_t n);
    void (*sgd)(float *w, float *v, const float *g, uint16_t *low, int64_t n, float lr,
                float momentum, float decay, bool is_first);
    void (*ema)(float *k, const float *q, uint16_t *low, int64_t n, float m);
    void (*scale)(float *x, int64_t n, float factor);
    double (*sum_squares)(const float *x, int64_t n);
    int          mr, nr;                       // rows and columns of a tile of sums
    ProductLoops of_f32, of_widened, of_pairs; // widened: bf16 packed as f32
    void (*peak)(float  *sink,
                 int64_t rounds); // ten independent chains of multiply-adds on `lanes` numbers
} CpuLoops;

const CpuLoops *cpu_loops_v2(void);
const CpuLoops *cpu_loops_v3(void);
const CpuLoops *cpu_loops_v4(void);
const CpuLoops *cpu_loops_v4bf16(void);

/* The widest that this machine runs. */
const CpuLoops *cpu_loops(void);
