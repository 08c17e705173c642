/* hooks.cc -- what gcc calls before every access of code compiled with -fsanitize=thread: the kernels
 *
 * These names are ThreadSanitizer's; its own runtime is not linked.
 */
#include "fake_gpu/guard.h"

#if !defined(__SANITIZE_ADDRESS__)
#define HOOK(name, bytes, is_write)                                                                \
    extern "C" void __tsan_##name(void *p)                                                         \
    {                                                                                              \
        guard_access(p, bytes, is_write, false);                                                   \
    }
#define HOOKS(bytes)                                                                               \
    HOOK(read##bytes, bytes, false)                                                                \
    HOOK(write##bytes, bytes, true)                                                                \
    HOOK(unaligned_read##bytes, bytes, false)                                                      \
    HOOK(unaligned_write##bytes, bytes, true)
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

extern "C" void __tsan_read_range(void *p, unsigned long bytes)
{
    guard_access(p, bytes, false, false);
}
extern "C" void __tsan_write_range(void *p, unsigned long bytes)
{
    guard_access(p, bytes, true, false);
}
extern "C" void __tsan_vptr_update(void **, void *)
{
}
extern "C" void __tsan_vptr_read(void **)
{
}
extern "C" void __tsan_init(void)
{
}
extern "C" void __tsan_func_entry(void *)
{
}
extern "C" void __tsan_func_exit(void)
{
}
#endif
