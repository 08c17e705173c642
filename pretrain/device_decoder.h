/* device_decoder.h -- a backend's JPEG decoder in the hands of the loader's workers */
#pragma once
#include "datasets/loader.h"
#include "kernels/backend.h"

/* For LoaderOptions.jpeg. ERR_UNSUPPORTED: the backend has none. A device of the name that cannot serve says so when the
 * loader opens. */
Status device_decoders(JpegDecoders *out, const Backend *be);
