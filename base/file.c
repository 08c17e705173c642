#include "base/file.h"
#include "base/size.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NAMES = 50 * 1000 * 1000, MOST_PATH = 4096 };

Status file_open(int *fd, int64_t *size, const char *path)
{
    struct stat s;
    /* O_NONBLOCK: a FIFO must not hang us; it has no effect on regular files. */
    int         f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f < 0)
        return file_fail_open(path, errno);
    if (fstat(f, &s) != 0 || !S_ISREG(s.st_mode)) {
        close(f);
        return status_fail(ERR_MISSING, "%s: is %s, expected a file", path,
                           S_ISDIR(s.st_mode) ? "a folder" : "no regular file");
    }
    *fd = f;
    *size = (int64_t)s.st_size;
    return OK;
}

Status file_read(Arena *a, char **bytes, int64_t *n, const char *path, int64_t limit)
{
    Status  st = OK;
    int     fd = -1;
    int64_t size, done = 0;
    TRY(file_open(&fd, &size, path));
    if (size > limit) {
        st = status_fail(ERR_FORMAT, "%s: %lld bytes, expected at most %lld", path, (long long)size,
                         (long long)limit);
        goto out;
    }
    char *buffer = arena_alloc(a, size + 1);
    if (!buffer) {
        st = ERR_MEMORY;
        goto out;
    }
    while (done < size) {
        ssize_t k = read(fd, buffer + done, (size_t)(size - done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            st = status_fail(ERR_IO, "%s: reading failed at byte %lld: %s", path, (long long)done,
                             strerror(errno));
            goto out;
        }
        if (k == 0)
            break; // shrank meanwhile
        done += k;
    }
    buffer[done] = 0;
    *bytes = buffer;
    *n = done;
out:
    close(fd);
    return st;
}

Status file_map(FileMap *m, const char *path)
{
    int fd;
    *m = (FileMap){.bytes = ""};
    TRY(file_open(&fd, &m->n, path));
    if (m->n > 0) {
        m->mapped = mmap(NULL, (size_t)m->n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m->mapped == MAP_FAILED) {
            int reason = errno;
            m->mapped = NULL;
            close(fd);
            return status_fail(ERR_IO, "%s: cannot map %lld bytes: %s", path, (long long)m->n,
                               strerror(reason));
        }
        m->bytes = m->mapped;
    }
    close(fd);
    return OK;
}

void file_map_forget(const FileMap *m, int64_t end)
{
    int64_t page = sysconf(_SC_PAGESIZE);
    if (m->mapped && end >= page)
        (void)madvise(m->mapped, (size_t)(end / page * page), MADV_DONTNEED);
}

void file_unmap(FileMap *m)
{
    if (m->mapped)
        munmap(m->mapped, (size_t)m->n);
    *m = (FileMap){0};
}

bool file_exists(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

Status file_size(int64_t *bytes, const char *path)
{
    int fd;
    TRY(file_open(&fd, bytes, path));
    close(fd);
    return OK;
}

Status file_make_dirs(const char *path)
{
    char   part[MOST_PATH];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return status_fail(ERR_CREATE, "folder path of %zu bytes, expected 1 to %d", n,
                           MOST_PATH - 1);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0)
            continue;
        part[i] = 0;
        int reason = mkdir(part, 0777) == 0 ? 0 : errno;
        if (reason != 0 && !file_is_dir(part))
            return status_fail(ERR_CREATE, "%s: cannot create the folder: %s", part,
                               strerror(reason));
        part[i] = i < n ? '/' : 0;
    }
    return OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Doubles the list of names inside the arena when it is full. */
static char **grow_names(Arena *a, char **names, int64_t n, int64_t *room)
{
    if (n < *room)
        return names;
    int64_t wider = *room ? *room * 2 : 256;
    char  **more = ARENA_ARRAY(a, char *, wider);
    if (more && n > 0)
        memcpy(more, names, (size_t)n * sizeof *names);
    *room = wider;
    return more;
}

Status file_list(Arena *a, char ***names, int64_t *n, const char *dir)
{
    Status  st = OK;
    int64_t count = 0, room = 0;
    char  **list = NULL;
    DIR    *d = opendir(dir);
    if (!d && errno == ENOMEM)
        return status_no_memory(dir, 0);
    if (!d)
        return status_fail(ERR_MISSING, "%s: cannot open the folder: %s", dir, strerror(errno));
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (!e)
            break;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (count == MOST_NAMES) {
            st = status_fail(ERR_FORMAT, "%s: more than %d names in one folder", dir, MOST_NAMES);
            goto out;
        }
        list = grow_names(a, list, count, &room);
        if (!list || !(list[count] = arena_strdup(a, e->d_name))) {
            st = ERR_MEMORY;
            goto out;
        }
        count++;
    }
    if (errno != 0) {
        st = status_fail(ERR_IO, "%s: reading the folder failed: %s", dir, strerror(errno));
        goto out;
    }
    if (count > 0)
        qsort(list, (size_t)count, sizeof *list, by_bytes);
    *names = list;
    *n = count;
out:
    closedir(d);
    return st;
}

Status file_remove(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return status_fail(ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
    return OK;
}
