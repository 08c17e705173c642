"""Writes analysis_cases.json: small sets with their kinds of error, best F1 thresholds, confusions and curves.

    python3 -m venv tide && tide/bin/pip install --no-deps tidecv==1.0.1 pycocotools==2.0.11 'numpy<2.3'
    tide/bin/python tests/golden/eval/analysis_cases.py

Everything is counted here with NumPy from the definitions of eval/analysis.h, apart from godwit's code. On sets without
crowds the kinds of error are also those of tidecv 1.0.1 (Bolya et al. 2020), asserted below; with crowds tidecv calls
ignored results errors, so those sets rest on this script alone, as do LVIS's and VOC's.
"""
import json, os, random, sys, unittest.mock
import numpy as np

for name in ("cv2", "matplotlib", "matplotlib.pyplot", "tidecv.plotting", "appdirs"):  # drawings, downloads
    sys.modules[name] = unittest.mock.MagicMock()
import tidecv

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("localisation", "class", "both", "duplicate", "background", "missed")
TIDE = {"Loc": "localisation", "Cls": "class", "Both": "both", "Dupe": "duplicate", "Bkg": "background", "Miss": "missed"}
K = 4


def make(rnd, metric, crowds):
    n = 8
    truth, found, seen = [], [], set()
    for image in range(n):
        for _ in range(rnd.randrange(5)):
            box = [round(rnd.uniform(0, 100), 1), round(rnd.uniform(0, 100), 1), round(rnd.uniform(12, 60), 1),
                   round(rnd.uniform(12, 60), 1)]
            label = rnd.randrange(K)
            truth.append([image, label, *box, int(crowds and rnd.random() < .25)])
            for _ in range(rnd.randrange(4)):
                shift = rnd.choice((1, 4, 12, 25))
                box_d = [round(v + rnd.uniform(-shift, shift), 1) for v in box]
                box_d[2], box_d[3] = max(box_d[2], 2), max(box_d[3], 2)
                found.append([image, label if rnd.random() < .7 else rnd.randrange(K), *box_d])
        for _ in range(rnd.randrange(3)):
            found.append([image, rnd.randrange(K), round(rnd.uniform(0, 150), 1), round(rnd.uniform(0, 150), 1), 20, 15])
    for d in found:  # scores are unequal where the order of equal ones would decide
        score = rnd.randrange(1, 1000)
        while score in seen:
            score = rnd.randrange(1, 1000)
        seen.add(score)
        d.insert(2, score / 1000)
    case = dict(metric=metric, images=n, truth=truth, found=found)
    if metric == "lvis":
        present = [{t[1] for t in truth if t[0] == i} for i in range(n)]
        case["neg"] = [[k for k in range(K) if k not in present[i] and rnd.random() < .5] for i in range(n)]
        case["unfinished"] = [[k for k in range(K) if k in present[i] and rnd.random() < .3] for i in range(n)]
    return case


def overlap(metric, d, g):
    """(result, truth) boxes x y w h; VOC's pixels include both ends, a COCO crowd is measured by the result alone."""
    one = 1.0 if metric == "voc" else 0.0
    w = min(d[0] + d[2], g[0] + g[2]) - max(d[0], g[0]) + one
    h = min(d[1] + d[3], g[1] + g[3]) - max(d[1], g[1]) + one
    if w <= 0 or h <= 0:
        return 0.0
    both, own = w * h, (d[2] + one) * (d[3] + one)
    if metric == "coco" and g[4]:
        return both / own
    return both / (own + (g[2] + one) * (g[3] + one) - both)


def judge(case):
    """Every result that takes part: [row, state, truth row it took or -1], states true, false, ignored."""
    metric, out = case["metric"], []
    above = (lambda o: o > .5) if metric == "voc" else (lambda o: o >= .5)
    for image in range(case["images"]):
        here = {t[1] for t in case["truth"] if t[0] == image}
        for label in range(K):
            rows = sorted((i for i, d in enumerate(case["found"]) if d[0] == image and d[1] == label),
                          key=lambda i: -case["found"][i][2])
            truths = [i for i, t in enumerate(case["truth"]) if t[0] == image and t[1] == label]
            if metric == "lvis" and label not in here and label not in case["neg"][image]:
                continue
            taken = set()
            for i in rows:
                o = {g: overlap(metric, case["found"][i][3:], case["truth"][g][2:]) for g in truths}
                ignored = {g for g in truths if case["truth"][g][6]}
                if metric == "voc":
                    best = max(truths, key=lambda g: o[g], default=None)
                    if best is None or not above(o[best]):
                        out.append([i, "false", -1])
                    elif best in ignored:
                        out.append([i, "ignored", -1])
                    else:
                        out.append([i, "false" if best in taken else "true", -1 if best in taken else best])
                        taken.add(best)
                    continue
                free = [g for g in truths if above(o[g]) and g not in taken and g not in ignored]
                if free:
                    best = max(free, key=lambda g: o[g])
                    taken.add(best)
                    out.append([i, "true", best])
                elif any(above(o[g]) and (metric == "coco" or g not in taken) for g in ignored):
                    taken.update([g for g in ignored if above(o[g])][:1])
                    out.append([i, "ignored", -1])
                elif metric == "lvis" and label in case["unfinished"][image]:
                    out.append([i, "ignored", -1])
                else:
                    out.append([i, "false", -1])
    return out


def errors(case, judged):
    metric, count = case["metric"], [dict.fromkeys(KINDS, 0) for _ in range(K)]
    above = (lambda o: o > .5) if metric == "voc" else (lambda o: o >= .5)
    done = {g for _, state, g in judged if state == "true"}
    for i, state, _ in judged:
        if state != "false":
            continue
        d = case["found"][i]
        near = [(overlap(metric, d[3:], t[2:]), t[1] == d[1], g) for g, t in enumerate(case["truth"])
                if t[0] == d[0] and not t[6]]
        same = max((n for n in near if n[1]), default=(0.0, True, -1))
        other = max((n for n in near if not n[1]), default=(0.0, False, -1))
        if same[0] >= .1 and not above(same[0]):
            kind = "localisation"
            done.add(same[2])
        elif above(other[0]):
            kind = "class"
            done.add(other[2])
        elif above(same[0]):
            kind = "duplicate"
        else:
            kind = "background" if max(same[0], other[0]) < .1 else "both"
        count[d[1]][kind] += 1
    for g, t in enumerate(case["truth"]):
        if not t[6] and g not in done:
            count[t[1]]["missed"] += 1
    return [[c[k] for k in KINDS] for c in count]


def confusion(case, judged, least=.5):
    metric, out = case["metric"], np.zeros((K + 1, K + 1), int)
    above = (lambda o: o > .5) if metric == "voc" else (lambda o: o >= .5)
    taken = set()
    for i, *_ in sorted(judged, key=lambda j: -case["found"][j[0]][2]):
        d = case["found"][i]
        if d[2] < least:
            continue
        near = [(overlap(metric, d[3:], t[2:]), g) for g, t in enumerate(case["truth"]) if t[0] == d[0]]
        near = [n for n in near if above(n[0])]
        free = [n for n in near if n[1] not in taken and not case["truth"][n[1]][6]]
        if free:
            g = max(free)[1]
            taken.add(g)
            out[case["truth"][g][1], d[1]] += 1
        elif not any(case["truth"][g][6] for _, g in near) and not (metric == "lvis" and d[1] in case["unfinished"][d[0]]):
            out[K, d[1]] += 1
    for g, t in enumerate(case["truth"]):
        if not t[6] and g not in taken:
            out[t[1], K] += 1
    return out.tolist()


def curves(case, judged):
    """Per class: best F1 [f1, score, precision, recall] and precision at recall 0, .01 ... 1; None without truths."""
    out = []
    for k in range(K):
        rows = sorted((j for j in judged if case["found"][j[0]][1] == k and j[1] != "ignored"),
                      key=lambda j: -case["found"][j[0]][2])
        positives = sum(t[1] == k and not t[6] for t in case["truth"])
        if positives == 0:
            out.append(None)
            continue
        true = np.array([j[1] == "true" for j in rows], float)
        score = np.array([case["found"][j[0]][2] for j in rows])
        tp, n = np.cumsum(true), np.arange(1, len(rows) + 1)
        recall, precision = tp / positives, tp / n
        best = None
        if tp.size and tp[-1] > 0:
            f1 = 2 * tp / (n + positives)
            i = int(np.argmax(f1))
            best = [f1[i], score[i], precision[i], recall[i]]
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        at = np.searchsorted(recall, np.linspace(0, 1, 101))
        out.append(dict(best=best, precision=[float(envelope[a]) if a < len(envelope) else 0.0 for a in at]))
    return out


def tide_counts(case):
    gt, dt = tidecv.Data("gt", 1000), tidecv.Data("dt", 1000)
    for t in case["truth"]:
        gt.add_ground_truth(t[0], t[1], t[2:6])
    for d in case["found"]:
        dt.add_detection(d[0], d[1], d[2], d[3:7])
    for i in range(case["images"]):
        gt.add_image(i, str(i))
    run = tidecv.TIDE().evaluate(gt, dt, mode=tidecv.TIDE.BOX)
    return {TIDE[kind.short_name]: len(found) for kind, found in run.error_dict.items()}


def main():
    rnd, cases = random.Random(5), []
    for metric, crowds in [("coco", False)] * 4 + [("coco", True)] * 3 + [("lvis", False)] * 4 + [("voc", False), ("voc", True)] * 2:
        case = make(rnd, metric, crowds)
        judged = judge(case)
        counted = errors(case, judged)
        if metric == "coco" and not crowds:
            assert tide_counts(case) == dict(zip(KINDS, np.sum(counted, 0).tolist())), (tide_counts(case), counted)
        case["expect"] = dict(n_true=sum(j[1] == "true" for j in judged), errors=counted, confusion=confusion(case, judged),
                              classes=curves(case, judged))
        cases.append(case)
    for metric in ("coco", "lvis", "voc"):
        of = [np.sum(c["expect"]["errors"], 0) for c in cases if c["metric"] == metric]
        assert np.sum(of, 0).min() > 0, f"{metric}: no set shows one of {KINDS}"
    with open(f"{HERE}/analysis_cases.json", "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(len(cases), "sets,", np.sum([np.sum(c["expect"]["errors"], 0) for c in cases], 0).tolist(), KINDS)


if __name__ == "__main__":
    main()
