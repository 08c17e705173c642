/* eval_charts.h -- the pictures of an evaluation page; each draws its section, or nothing. Internal to cli/eval_page.c */
#pragma once
#include "cli/svg.h"
#include "eval/card.h"

void eval_chart_against(Html *h, const Card *card);
void eval_chart_curves(Html *h, const Card *card);
void eval_chart_errors(Html *h, const Card *card);
void eval_chart_confusion(Html *h, const Card *card);
