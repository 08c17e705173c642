/* cudnn_calls.h -- the calls of cudnn.h, apart from its types: numbers.cc compiles them behind NVIDIA's header too, which
 * refuses a declaration that differs from its own */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) // tests call them in the plug-in

size_t        cudnnGetVersion(void);
const char   *cudnnGetErrorString(cudnnStatus_t status);
void          cudnnGetLastErrorString(char *message, size_t max_size);
cudnnStatus_t cudnnCreate(cudnnHandle_t *handle);
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream);

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t    *descriptor);
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor);
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t    descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t n,
                                       const void *values);
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor);

/* At most `most` are written. *n: how many there are; of a heuristics' results, how many were written. */
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t    descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t most, int64_t *n,
                                       void *values);
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
