#include "kernels/optim/sgd.h"

/* A stretch of neighbouring parameters that are updated alike. */
typedef struct Stretch {
    int64_t begin, end; // elements; empty when begin == end
    float   decay;
} Stretch;

static bool learns(const Param *p)
{
    return p->spec.kind != PARAM_BUFFER && p->value.wants_grad;
}

static int64_t end_of(const Param *p)
{
    return p->offset + tensor_count(&p->value);
}

/* Nothing but padding lies between the stretch and p. */
static bool touches(const Stretch *s, const Param *p)
{
    return p->offset - s->end < 16;
}

static Status update(ParamSet *ps, const Stretch *s, const SgdOptions *o, double lr, bool is_first)
{
    if (s->begin == s->end)
        return OK;
    uint16_t *low = ps->low;
    return ps->be->sgd(ps->values + s->begin, ps->momentum + s->begin, ps->grads + s->begin,
                       low ? low + s->begin : NULL, s->end - s->begin, (float)lr, o->momentum,
                       s->decay, is_first, ps->squares);
}

/* Neighbours are summed in one call; the padding between them is zero. */
static Status sum_squares(ParamSet *ps)
{
    bool    is_first = true;
    Stretch s = {0, 0, 0.0f};
    for (int i = 0; i < ps->n_params; i++) {
        const Param *p = ps->param[i];
        if (!learns(p))
            continue;
        if (s.begin != s.end && !touches(&s, p)) {
            TRY(ps->be->sum_squares(ps->squares, ps->grads + s.begin, s.end - s.begin, is_first));
            is_first = false;
            s.begin = s.end;
        }
        if (s.begin == s.end)
            s.begin = p->offset;
        s.end = end_of(p);
    }
    return ps->be->sum_squares(ps->squares, ps->grads + s.begin, s.end - s.begin, is_first);
}

Status sgd_step(ParamSet *ps, const SgdOptions *o, double lr, bool is_first)
{
    if (ps->is_frozen)
        return status_fail(ERR_USAGE, "sgd_step: a frozen set of parameters has no gradients");
    TRY(sum_squares(ps));
    if (o->clip_norm > 0.0f)
        TRY(ps->be->clip(ps->grads, ps->n_values, ps->squares, o->clip_norm));
    Stretch s = {0, 0, 0.0f};
    for (int i = 0; i < ps->n_params; i++) {
        const Param *p = ps->param[i];
        if (p->spec.kind == PARAM_BUFFER)
            continue;
        float decay = p->spec.is_norm ? o->decay_norm : o->decay;
        bool  joins = learns(p) && s.begin != s.end && s.decay == decay && touches(&s, p);
        if (joins) {
            s.end = end_of(p);
            continue;
        }
        TRY(update(ps, &s, o, lr, is_first));
        s = learns(p) ? (Stretch){p->offset, end_of(p), decay} : (Stretch){0, 0, 0.0f};
    }
    return update(ps, &s, o, lr, is_first);
}
