/* cityscapes_report.h -- Cityscapes numbers as a table for people, as JSON and as CSV
 *
 * Tables are in per cent; JSON and CSV hold fractions in full precision, null or empty where
 * undefined.
 */
#pragma once
#include "base/json.h"
#include "base/text.h"
#include "eval/cityscapes.h"

void   cityscapes_instances_text(Text *out, const CityscapesInstances *r);
void   cityscapes_instances_csv(Text *out, const CityscapesInstances *r); // class,threshold,AP
/* {"metric", "definition", "AP", "AP50", "sizes", "thresholds", "per_class": [{name, AP, AP50, ap}]} */
Status cityscapes_instances_json(Text *out, const CityscapesInstances *r) STATUS_MUST_USE;

void   cityscapes_pixels_text(Text *out, const CityscapesPixels *r);
void   cityscapes_pixels_csv(Text *out, const CityscapesPixels *r); // kind,name,IoU,iIoU
/* {"metric", "definition", "mIoU", ..., "per_class", "per_category", "confusion"} */
Status cityscapes_pixels_json(Text *out, const CityscapesPixels *r) STATUS_MUST_USE;
