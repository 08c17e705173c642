/* stream.h -- work that is no kernel, in the order of a stream, and what it takes of the device's time */
#pragma once
#include "fake_gpu/cuda_runtime_api.h"

#include <functional>

/* Queues work that may touch device memory; false stops the device as a failed kernel does. */
cudaError_t fake_gpu_enqueue(cudaStream_t s, std::function<bool()> work);

/* From now on the device's clock, which events read, stands still but for what work says that it took. */
void fake_gpu_stop_clock(void);
void fake_gpu_spend(double ms);
