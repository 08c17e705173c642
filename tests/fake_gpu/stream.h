/* stream.h -- work that is no kernel, in the order of a stream, and what it takes of the device's time; how far streams have
 * come, for tests (watch.h) */
#pragma once
#include "fake_gpu/cuda_runtime_api.h"

#include <functional>

/* Queues work that may touch device memory; false stops the device as a failed kernel does. */
cudaError_t fake_gpu_enqueue(cudaStream_t s, std::function<bool()> work);

/* Whether the calling thread has set its device. */
bool fake_gpu_is_entered(void);

/* Pieces of work of a stream, counted from its first. */
struct FakeStream {
    long queued, done;
    long before_graph; // queued in front of the graph that was launched last
    long n_waits;      // of the host, for everything that was queued
};

/* Streams are counted as they were made. fake_gpu_run: what is queued on it, and of others what it waits for. */
extern "C" FakeStream fake_gpu_stream(int number);
extern "C" void       fake_gpu_run(int number);

/* From now on the device's clock, which events read, stands still but for what work says that it took. */
void fake_gpu_stop_clock(void);
void fake_gpu_spend(double ms);
