/* device_decoder.h -- a backend's JPEG decoder in the hands of the loader's workers */
#pragma once
#include "datasets/loader.h"
#include "kernels/backend.h"

/* For LoaderOptions.jpeg. A small photograph is decoded first. ERR_UNSUPPORTED: the backend has no decoder, or it could not, or
 * its pixels are not libjpeg's within a few levels. */
Status device_decoders(JpegDecoders *out, const Backend *be);
