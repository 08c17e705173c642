#include "cli/device.h"

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
    static const char *folder[5];
    int                used = 0;
    const char        *mine = getenv("GODWIT_RECIPES");
    if (mine && *mine)
        folder[used++] = mine;
    folder[used++] = GODWIT_SOURCE_DIR "/pretrain/recipes";
    folder[used++] = GODWIT_SOURCE_DIR "/detect/recipes";
    folder[used++] = GODWIT_SHARE_DIR "/recipes";
    *n             = used;
    return folder;
}
