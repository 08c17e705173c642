/* stream.h -- work that is no kernel, in the order of a stream */
#pragma once
#include "fake_gpu/cuda_runtime_api.h"

#include <functional>

/* Queues work that may touch device memory; false stops the device as a failed kernel does. */
cudaError_t fake_gpu_enqueue(cudaStream_t s, std::function<bool()> work);
