/* no_room.h -- the sentence of a device that is full */
#pragma once
#include <regex.h>
#include <string>

/* What found no room, where a line of text is a whole such sentence; "" where none is. */
inline std::string what_found_no_room(const std::string &text)
{
    static const char sentence[] =
        "^([a-z][^:]*): the GPU has no room for [0-9]+ bytes( of scratch memory)? beside the "
        "[0-9.]+ GB of this run: [0-9.]+ of [0-9.]+ GB are free"
        "(; this step holds [0-9.]+ GB already, a smaller batch or bf16 needs less)?$";
    regex_t     expression;
    regmatch_t  part[2];
    std::string what;
    if (regcomp(&expression, sentence, REG_EXTENDED | REG_NEWLINE) != 0)
        return what;
    if (regexec(&expression, text.c_str(), 2, part, 0) == 0)
        what = text.substr((size_t)part[1].rm_so, (size_t)(part[1].rm_eo - part[1].rm_so));
    regfree(&expression);
    return what;
}
