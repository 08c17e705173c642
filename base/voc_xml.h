/* voc_xml.h -- one PASCAL VOC annotation file as a record
 *
 *      <annotation>
 *        <size> <width> 500 <height> 375 </size>
 *        <object> <name> dog  <difficult> 0  <bndbox> <xmin> 48 <ymin> 240 <xmax> 195 <ymax> 371
 *          <part> ... </part>                        not an object of its own: left out
 *        </object> ...
 *      </annotation>
 *
 * Values are given as they stand in the file: boxes are 1-based with both ends inside, numbers may have a fraction,
 * and nothing is clipped or dropped; callers decide. `difficult` and `truncated` absent count as 0. Refused
 * (ERR_FORMAT with NAME:LINE): no XML, a document type (so no entities), more than 32 levels, more than 100,000
 * objects, an object without name or without one complete box, two sizes, a number that is none.
 * The devkit's format: Everingham et al. 2010, "The PASCAL VOC challenge".
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct VocXmlObject {
    const char *name;
    double      box[4]; // xmin ymin xmax ymax, as written
    bool        is_difficult, is_truncated;
    int64_t     line; // of its opening tag
} VocXmlObject;

typedef struct VocXml {
    int64_t       width, height; // 0 when the file has no size
    VocXmlObject *object;        // (n_objects)
    int64_t       n_objects;
} VocXml;

enum { VOC_XML_MAX_BYTES = 16 << 20 };

/* `name` is used in sentences. Everything in `out` lives in `a`. */
Status voc_xml_parse(Arena *a, VocXml *out, const char *bytes, int64_t n,
                     const char *name) STATUS_MUST_USE;

/* At most VOC_XML_MAX_BYTES. */
Status voc_xml_read(Arena *a, VocXml *out, const char *path) STATUS_MUST_USE;
