/* eval_page.h -- the answer of `godwit eval` as one page
 *
 *      result        the headline numbers, each with its definition; sizes of every set
 *      against       differences to another result file with their intervals
 *      classes       the tables
 *      curves        precision over recall of every class
 *      errors        where the average precision goes, best thresholds
 *      confusion     annotated against found
 *      definitions   columns and kinds of error
 *
 * Parts that the card lacks leave no trace. In the style of html.h: one file, no network, light and dark.
 */
#pragma once
#include "cli/html.h"
#include "eval/card.h"

void   eval_page_sections(Html *h, const Card *card);
Status eval_page_write(const Card *card, const char *path) STATUS_MUST_USE;
