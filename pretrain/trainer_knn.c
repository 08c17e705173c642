/* trainer_knn.c -- nearest neighbours while a network trains: the number that says whether features get better */
#include "base/log.h"
#include "pretrain/knn.h"
#include "pretrain/trainer.h"
#include <stdlib.h>
#include <string.h>

/* Features of a set with their labels. */
typedef struct Bank {
    float   *x;
    int64_t *label;
    int64_t  n, F;
} Bank;

static void bank_release(Bank *b)
{
    free(b->x);
    free(b->label);
    *b = (Bank){0};
}

static Status bank_embed(Bank *b, Trainer *r, const Source *source, EmbedWhat what, int64_t limit)
{
    EmbedOptions o = {.what = what,
                      .augment = config_augment_test(&r->config),
                      .dtype = r->dtype,
                      .limit = limit};
    TRY(embed_source(&b->x, &b->label, &b->n, &b->F, r->be, trainer_net(r), source, &o));
    knn_normalise(b->x, b->n, b->F);
    return OK;
}

static void move_row(Bank *to, const Bank *from, int64_t i)
{
    memmove(to->x + to->n * to->F, from->x + i * from->F, (size_t)from->F * sizeof(float));
    to->label[to->n++] = from->label[i];
}

/* Without a test set: every tenth row of the bank becomes one. */
static Status bank_split(Bank *test, Bank *bank)
{
    test->F = bank->F;
    test->x = malloc((size_t)((bank->n / 10 + 1) * bank->F) * sizeof(float));
    test->label = malloc((size_t)(bank->n / 10 + 1) * sizeof(int64_t));
    if (!test->x || !test->label)
        return status_no_memory("knn: test rows", bank->n / 10 * bank->F * 4);
    int64_t n = bank->n;
    bank->n = 0;
    for (int64_t i = 0; i < n; i++)
        move_row(i % 10 == 9 ? test : bank, bank, i);
    return OK;
}

static Status score(KnnScore *out, Trainer *r, EmbedWhat what)
{
    const KnnKeys *o = &r->config.knn;
    Bank           bank = {0}, test = {0};
    int64_t       *predicted = NULL;
    Status         st = OK;
    TRY_OUT(bank_embed(&bank, r, r->train, what, o->max_bank));
    if (r->test) {
        TRY_OUT(bank_embed(&test, r, r->test, what, o->max_test));
        TRY_OUT(source_relabel(test.label, test.n, r->test, r->train));
    } else {
        TRY_OUT(bank_split(&test, &bank));
    }
    knn_drop_unlabelled(bank.x, bank.label, &bank.n, bank.F);
    knn_drop_unlabelled(test.x, test.label, &test.n, test.F);

    predicted = malloc((size_t)(test.n + 1) * sizeof *predicted);
    if (!predicted)
        TRY_OUT(status_no_memory("knn: predictions", test.n * 8));
    int64_t    classes = source_n_classes(r->train);
    KnnOptions knn = {o->k, o->T};
    TRY_OUT(knn_classify(predicted, r->be, &knn, test.x, bank.x, bank.label, test.n, bank.n, bank.F,
                         classes));
    *out = (KnnScore){knn_accuracy(predicted, test.label, test.n), bank.n, test.n};
out:
    bank_release(&bank);
    bank_release(&test);
    free(predicted);
    return st;
}

static Status report(Trainer *r, const KnnScore *s, const char *name, const char *what)
{
    log_info("step %lld: nearest neighbours of %s: %.2f%% of %lld test pictures (bank %lld, k "
             "%lld, T %g)",
             (long long)r->job.step, what, 100 * s->top1, (long long)s->n_test,
             (long long)s->n_bank, (long long)r->config.knn.k, r->config.knn.T);
    metrics_begin(r->job.metrics, "knn", r->job.step);
    metrics_number(r->job.metrics, name, s->top1);
    metrics_int(r->job.metrics, "n_test", s->n_test);
    metrics_int(r->job.metrics, "n_bank", s->n_bank);
    return metrics_end(r->job.metrics);
}

Status trainer_knn(Trainer *r)
{
    bool from_head = r->config.knn.features == 0 && r->config.run.method == METHOD_MOCO;
    TRY(score(&r->knn, r, from_head ? EMBED_HEAD : EMBED_POOLED));
    r->knn_step = r->job.step;
    return report(r, &r->knn, "top1", r->job.step == 0 ? "the untrained network" : "features");
}

Status trainer_knn_pixels(Trainer *r)
{
    KnnScore s;
    TRY(score(&s, r, EMBED_PIXELS));
    return report(r, &s, "pixels_top1", "raw pixels");
}
