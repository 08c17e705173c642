/* A program of somebody else: it knows the installed header and library, nothing of the source tree. */
#include <godwit.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    const double box[4] = {1, 1, 3, 2}; /* x y w h */
    gw_mask     *mask = NULL;
    if (gw_mask_from_box(&mask, box, 8, 8) != GW_OK)
        return 1;
    printf("godwit %s: area %lld\n", gw_version(), (long long)gw_mask_area(mask));
    int is_right = gw_mask_area(mask) == 6 && strcmp(gw_version(), EXPECTED_VERSION) == 0;
    gw_mask_free(mask);
    return is_right ? 0 : 1;
}
