/* knn.h -- how good are features, without training anything: weighted nearest neighbours
 *
 *      votes[c] = sum over the k nearest bank rows i of class c of  exp(test . bank_i / T);
 * prediction = argmax
 *
 * Wu et al. 2018 (instance discrimination); MoCo's CIFAR-10 demonstration uses k 200, T 0.1;
 * ImageNet k 200, T 0.07. Equal similarities are taken in bank order, equal votes go to the smaller
 * class, so results do not depend on threads.
 */
#pragma once
#include "kernels/backend.h"

typedef struct KnnOptions {
    int64_t k; // 200; cut to the size of the bank
    double  T; // 0.1
} KnnOptions;

/* predicted (n_test) in [0, n_classes). test (n_test,F) and bank (n_bank,F): unit rows (see
 * knn_normalise), host memory; bank_label (n_bank) in [0, n_classes). ERR_SHAPE, ERR_FORMAT (label
 * out of range), ERR_MEMORY. */
Status knn_classify(int64_t *predicted, const Backend *be, const KnnOptions *options,
                    const float *test, const float *bank, const int64_t *bank_label, int64_t n_test,
                    int64_t n_bank, int64_t F, int64_t n_classes);

/* Rows of x (n,F) to unit length, in place. */
void knn_normalise(float *x, int64_t n, int64_t F);

/* Leaves out the rows (n,F) whose label is -1, in place; *n becomes what is left. */
void knn_drop_unlabelled(float *x, int64_t *label, int64_t *n, int64_t F);

/* Share of predicted[i] == label[i]. */
double knn_accuracy(const int64_t *predicted, const int64_t *label, int64_t n);
