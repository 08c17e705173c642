#include "base/memory.h"
#include "base/number.h"
#include "base/size.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The number after `label` in a small file of /proc or /sys, times `unit`; -1 when it is not there.
 */
static int64_t read_field(const char *path, const char *label, int64_t unit)
{
    char text[8192];
    int  fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    char *at = strstr(text, label);
    if (!at)
        return -1;
    at += strlen(label);
    at += strspn(at, " \t");
    int64_t value;
    if (!number_parse_int(&value, at, (int64_t)strspn(at, "0123456789")) ||
        !size_mul(&value, value, unit))
        return -1;
    return value;
}

int64_t memory_rss(void)
{
    return size_max(read_field("/proc/self/status", "VmRSS:", 1024), 0);
}

int64_t memory_peak_rss(void)
{
    return size_max(read_field("/proc/self/status", "VmHWM:", 1024), 0);
}

int64_t memory_available(void)
{
    int64_t free_bytes = size_max(read_field("/proc/meminfo", "MemAvailable:", 1024), 0);
    int64_t limit = read_field("/sys/fs/cgroup/memory.max", "", 1);
    int64_t used = read_field("/sys/fs/cgroup/memory.current", "", 1);
    if (limit >= 0 && used >= 0)
        free_bytes = size_min(free_bytes, size_max(limit - used, 0));
    return free_bytes;
}
