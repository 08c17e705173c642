#include "cli/device.h"

#include "base/file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

Status device_dtype(DType *dtype, const char *word)
{
    if (strcmp(word, "f32") == 0)
        *dtype = F32;
    else if (strcmp(word, "bf16") == 0)
        *dtype = BF16;
    else
        return status_fail(ERR_USAGE, "--dtype expects f32 or bf16, found \"%s\"", word);
    return OK;
}

const char *const *recipe_folders(int *n)
{
    static char        installed[PATH_MAX];
    static const char *folder[4];
    int                used = 0;
    const char        *mine = getenv("GODWIT_RECIPES");
    if (mine && *mine)
        folder[used++] = mine;
    if (file_beside_program(installed, sizeof installed, GODWIT_RECIPE_DIR) &&
        file_is_dir(installed)) {
        folder[used++] = installed;
    } else {
        folder[used++] = GODWIT_SOURCE_DIR "/pretrain/recipes";
        folder[used++] = GODWIT_SOURCE_DIR "/detect/recipes";
    }
    *n = used;
    return folder;
}
