/* norm_share.h -- processes that share the statistics of batch norm, played one after the other in this one
 *
 *      round 1   each leaves its tables, and takes its own for those that are not there yet
 *      round 2   the tables of forward are everybody's; those of backward follow from them
 *      round 3   all are; a round that changes no table is the last
 */
#pragma once
#include "kernels/op_test.h"

class PlayedProcesses {
  public:
    PlayedProcesses(const Backend *backend, int n) : be(backend), tables((size_t)n)
    {
        share = {n, gather, this};
    }
    /* run(process, share) for each process until all tables are final. */
    void play(const std::function<void(int, const NormShare *)> &run)
    {
        int rounds = 0;
        for (is_final = false; !is_final && rounds < 10; rounds++) {
            is_final = true;
            for (process = 0; process < tables.size(); process++) {
                call = 0;
                run((int)process, &share);
            }
        }
        EXPECT_LE(rounds, 4) << "forward, backward, and one that finds all in place";
    }

  private:
    const Backend                              *be;
    NormShare                                   share;
    size_t                                      process = 0, call = 0;
    bool                                        is_final = false;
    /* of a process, of a call */
    std::vector<std::vector<std::vector<char>>> tables;

    static Status gather(void *ctx, void *all, const void *own, int64_t bytes)
    {
        PlayedProcesses  *p = (PlayedProcesses *)ctx;
        std::vector<char> table((size_t)bytes), everybodys;
        TRY(p->be->read(table.data(), own, bytes));
        std::vector<std::vector<char>> &mine = p->tables[p->process];
        if (mine.size() <= p->call)
            mine.resize(p->call + 1);
        p->is_final = p->is_final && mine[p->call] == table;
        mine[p->call] = table;
        for (const auto &of_process : p->tables) {
            const auto &part = of_process.size() > p->call ? of_process[p->call] : table;
            EXPECT_EQ((size_t)bytes, part.size());
            everybodys.insert(everybodys.end(), part.begin(), part.end());
        }
        p->call++;
        return p->be->write(all, everybodys.data(), (int64_t)everybodys.size());
    }
};
