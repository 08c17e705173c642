/* report, html, svg: pages that are whole, inert and readable */
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>

#include "page_parser.h"
#include "report_sample.h"
extern "C" {
#include "cli/html.h"
#include "cli/svg.h"
}

namespace {

std::string page_of(const Report &r)
{
    Html h{};
    html_page_open(&h, r.title, r.subtitle);
    report_sections(&h, &r);
    html_page_close(&h);
    EXPECT_FALSE(h.is_broken);
    std::string page(h.data, h.n_bytes);
    html_release(&h);
    return page;
}

TEST(Report, IsWellFormedAndHoldsEveryPart)
{
    ReportSample s;
    Parsed       p = parse(page_of(s.report));
    EXPECT_EQ("", p.error);
    for (const char *id : {"result", "published", "training", "classes", "pictures", "views",
                           "time", "definitions", "reproduce", "layer-truth", "layer-0", "layer-2"})
        EXPECT_TRUE(p.ids.count(id)) << id;
    EXPECT_EQ(3, p.elements["table"]) << "ours and two of the paper";
    EXPECT_EQ(12, p.elements["image"]);
    EXPECT_EQ(12, p.elements["img"]);
    EXPECT_EQ(1, p.elements["script"]);
    EXPECT_NE(std::string::npos, p.text.find("55.9")) << "the paper's MoCo row";
}

TEST(Report, AsksTheNetworkForNothing)
{
    ReportSample s;
    std::string  page = page_of(s.report);
    Parsed       p = parse(page);
    EXPECT_EQ(std::set<std::string>({"data:image/png"}), p.hrefs);
    for (const char *word : {"http://", "https://", "//cdn", "@import", "url("})
        EXPECT_EQ(std::string::npos, page.find(word)) << word;
    EXPECT_EQ(0, p.elements["link"] + p.elements["iframe"] + p.elements["object"]);
}

TEST(Report, LeavesForeignTextInert)
{
    const char  *evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;";
    ReportSample s(evil);
    ReportRow    row[] = {s.report.row[0], s.report.row[1], s.report.row[2]};
    row[2].init = evil;
    ReportFact  fact[] = {{evil, evil}};
    const char *command[] = {evil};
    s.report.row = row, s.report.fact = fact, s.report.n_facts = 1, s.report.command = command,
    s.report.n_commands = 1;
    s.report.title = s.report.subtitle = s.report.remark = evil;
    std::vector<ReportPicture> pictures(s.report.picture, s.report.picture + 2);
    pictures[0].name = evil;
    ReportBox box = {1, 2, 30, 40, evil, 0.5f, true};
    pictures[1].predicted[0] = {&box, 1};
    s.report.picture = pictures.data(), s.report.n_pictures = 2;

    Parsed p = parse(page_of(s.report));
    EXPECT_EQ("", p.error);
    EXPECT_EQ(1, p.elements["script"]);
    EXPECT_EQ(12, p.elements["img"]) << "the crops, and no other";
    EXPECT_NE(std::string::npos, p.text.find(evil)) << "shown as it was written";
    EXPECT_EQ(std::string::npos, p.code.find("alert"));
}

TEST(Report, ShowsMeansDeviationsAndDeltasToTheBaseline)
{
    ReportSample s;
    std::string  page = page_of(s.report);
    EXPECT_NE(std::string::npos,
              page.find("<td class=\"num\">18.6<span class=\"dev\"> &#177;&#8239;1.8</span></td>"
                        "<td class=\"num delta down\">&#8722;10.5</td>"));
    EXPECT_NE(std::string::npos,
              parse(page).text.find("Every trial of MoCo lies above every trial of random."));
}

TEST(Report, SaysWhereTrialsOverlap)
{
    ReportSample s;
    const double low[] = {3, 9}, high[] = {8, 10};
    ReportRow    row[] = {{"A", 0, low, low, low, 2, false}, {"B", 1, high, high, high, 2, true}};
    s.report.row = row, s.report.n_rows = 2;
    EXPECT_NE(std::string::npos,
              parse(page_of(s.report)).text.find("The trials of B overlap with those of A."));
}

TEST(Report, MakesNoClaimFromSingleTrials)
{
    ReportSample s;
    const double low[] = {3}, high[] = {8};
    ReportRow    row[] = {{"A", 0, low, low, low, 1, false}, {"B", 1, high, high, high, 1, true}};
    s.report.row = row, s.report.n_rows = 2;
    std::string text = parse(page_of(s.report)).text;
    EXPECT_EQ(std::string::npos, text.find("lies above"));
    EXPECT_EQ(std::string::npos, text.find("overlap with"));
    EXPECT_EQ(std::string::npos, text.find("\xC2\xB1 ")) << "no deviation without a second trial";
}

TEST(Report, ShowsADashForWhatIsUndefined)
{
    const double none[] = {NAN, INFINITY};
    ReportRow    row[] = {{"nothing found", 0, none, none, none, 2, true},
                          {"no trial", 1, nullptr, nullptr, nullptr, 0, false}};
    ReportClass  one{};
    one.name = "unseen";
    for (double &ap : one.ap)
        ap = NAN;
    for (ReportCurve &c : one.curve)
        c = {none, none, 2, NAN};
    Report r{};
    r.title = "empty", r.row = row, r.n_rows = 2, r.class_ = &one, r.n_classes = 1;
    std::string page = page_of(r);
    Parsed      p = parse(page);
    EXPECT_EQ("", p.error);
    EXPECT_GE(count(page, "&#8211;"), 8);
    EXPECT_NE(std::string::npos, p.text.find("no data"));
    EXPECT_NE(std::string::npos, p.text.find("no trial"));
    for (const char *word : {">nan", ">-nan", ">inf", "\"nan", "\"-nan", "\"inf", " nan ", " inf "})
        EXPECT_EQ(std::string::npos, page.find(word)) << word;
}

TEST(Report, SaysWhenItShowsOnlySomeClasses)
{
    ReportSample             s;
    std::vector<ReportClass> many(300, s.report.class_[0]);
    s.report.class_ = many.data(), s.report.n_classes = 300;
    EXPECT_NE(std::string::npos,
              parse(page_of(s.report)).text.find("The first 256 of 300 classes."));
}

TEST(Report, LeavesNoTraceOfAbsentParts)
{
    Report r{};
    r.title = "nothing";
    Parsed p = parse(page_of(r));
    EXPECT_EQ("", p.error);
    EXPECT_EQ(std::set<std::string>({"theme", "definitions"}), p.ids);
}

TEST(Report, KeepsBoxesInsideThePictureAndSkipsBrokenOnes)
{
    ReportSample  s;
    ReportBox     box[] = {{-50, -50, 900, 900, "huge", .9f, true},
                           {NAN, 0, 5, 5, "nan", .9f, true},
                           {9, 9, 2, 2, "inverted", .9f, true}};
    ReportPicture p = s.report.picture[0];
    p.truth = {nullptr, 0}, p.predicted[0] = {box, 3},
    p.predicted[1] = p.predicted[2] = {nullptr, 0};
    s.report.picture = &p, s.report.n_pictures = 1;
    std::string page = page_of(s.report);
    EXPECT_NE(std::string::npos,
              page.find("x=\"0.00\" y=\"0.00\" width=\"160.00\" height=\"160.00\""));
    EXPECT_EQ(1, count(page, "class=\"box\""));
    EXPECT_EQ("", parse(page).error);
}

TEST(Report, WritesAFileThatIsThePageAndFailsAloud)
{
    ReportSample s;
    char         dir[] = "/tmp/godwit-report-XXXXXX";
    ASSERT_NE(nullptr, mkdtemp(dir));
    std::string path = std::string(dir) + "/report.html";
    ASSERT_EQ(OK, report_write(&s.report, path.c_str())) << status_text();
    std::ostringstream content;
    content << std::ifstream(path).rdbuf();
    EXPECT_EQ(page_of(s.report), content.str());
    EXPECT_NE(0, access((path + ".part").c_str(), F_OK)) << "nothing is left aside";
    EXPECT_EQ(ERR_CREATE, report_write(&s.report, (std::string(dir) + "/no/report.html").c_str()));
    EXPECT_NE(nullptr, strstr(status_text(), "/no/report.html"));
    unlink(path.c_str());
    rmdir(dir);
}

TEST(Html, ReplacesWhatIsNotUtf8)
{
    auto text = [](const char *s) { return drawn([&](Html *h) { html_text(h, s); }); };
    EXPECT_EQ("a&lt;b&gt;&amp;&quot;&#39;", text("a<b>&\"'"));
    EXPECT_EQ("\xC3\xBC \xE2\x82\xAC \xF0\x9F\x90\xA6",
              text("\xC3\xBC \xE2\x82\xAC \xF0\x9F\x90\xA6"));
    EXPECT_EQ("&#xFFFD;&#xFFFD;x", text("\xC0\xAFx")) << "overlong";
    EXPECT_EQ("&#xFFFD;&#xFFFD;&#xFFFD;", text("\xED\xA0\x80")) << "surrogate";
    EXPECT_EQ("&#xFFFD;", text("\xE2")) << "cut short";
    EXPECT_EQ("&#xFFFD;&#xFFFD;\n", text("\x01\x1B\n"));
    EXPECT_EQ("&#xFFFD;", text("\xEF\xBF\xBF")) << "no XML character";
    EXPECT_EQ("", text(nullptr));
}

TEST(Html, WritesNumbersForPeople)
{
    auto number = [](double v) { return drawn([&](Html *h) { html_number(h, v, 1); }); };
    auto sign = [](double v) { return drawn([&](Html *h) { html_signed(h, v, 1); }); };
    EXPECT_EQ("12.3", number(12.34));
    EXPECT_EQ("&#8722;0.5", number(-0.5));
    EXPECT_EQ("0.0", number(-0.01));
    EXPECT_EQ("+0.2", sign(0.2));
    EXPECT_EQ("0.0", sign(0.04));
    EXPECT_EQ("&#8722;1.0", sign(-1));
    EXPECT_NE(std::string::npos, number(NAN).find("&#8211;"));
    EXPECT_NE(std::string::npos, sign(INFINITY).find("&#8211;"));
}

TEST(Html, EncodesBase64WithPadding)
{
    auto uri = [](const char *s) {
        return drawn(
            [&](Html *h) { html_data_uri(h, "x/y", (const uint8_t *)s, (int64_t)strlen(s)); });
    };
    EXPECT_EQ("data:x/y;base64,", uri(""));
    EXPECT_EQ("data:x/y;base64,Zg==", uri("f"));
    EXPECT_EQ("data:x/y;base64,Zm8=", uri("fo"));
    EXPECT_EQ("data:x/y;base64,Zm9v", uri("foo"));
    EXPECT_EQ("data:x/y;base64,Zm9vYmFy", uri("foobar"));
}

std::string chart_of(std::vector<double> x, std::vector<double> y, bool log_y = false)
{
    Series s{};
    s.name = "series", s.x = x.data(), s.y = y.data(), s.n = (int64_t)x.size();
    LineChart c{};
    c.title = "t", c.series = &s, c.n_series = 1, c.log_y = log_y;
    return drawn([&](Html *h) { svg_line_chart(h, &c); });
}

TEST(Svg, LeavesAGapAtNaN)
{
    std::string svg = chart_of({0, 1, 2, 3, 4}, {1, 2, NAN, 2, 1});
    size_t      d = svg.find("class=\"line\"");
    std::string path = svg.substr(d, svg.find("/>", d) - d);
    EXPECT_EQ(2, count(path, "M"));
    EXPECT_EQ(2, count(path, "L"));
    EXPECT_EQ(std::string::npos, svg.find("nan"));
}

TEST(Svg, DrawsDegenerateSeriesFinitely)
{
    for (auto y : std::vector<std::vector<double>>{{},
                                                   {5},
                                                   {0},
                                                   {7, 7, 7},
                                                   {NAN, NAN},
                                                   {1e308, -1e308},
                                                   {1e-300, 2e-300},
                                                   {INFINITY, 1, -INFINITY},
                                                   {1e12, 1e12 + 1e-6}})
        for (bool log_y : {false, true}) {
            std::vector<double> x;
            for (size_t i = 0; i < y.size(); i++)
                x.push_back((double)i);
            std::string svg = chart_of(x, y, log_y);
            EXPECT_EQ("", parse(svg).error);
            EXPECT_EQ(std::string::npos, svg.find("nan"));
            EXPECT_EQ(std::string::npos, svg.find("\"inf"));
            EXPECT_LT(svg.size(), 20000u);
        }
}

TEST(Svg, DropsNonPositiveValuesFromLogAxes)
{
    std::string svg = chart_of({0, 1, 2, 3}, {100, 0, -5, 1}, true);
    EXPECT_EQ(2, count(svg, "class=\"hit\""));
    EXPECT_NE(std::string::npos, svg.find(">10<"));
}

TEST(Svg, ThinsLongSeriesAndKeepsTheLastPoint)
{
    std::vector<double> x, y;
    for (int i = 0; i < 100001; i++) {
        x.push_back(i);
        y.push_back(i == 100000 ? 1 : 0);
    }
    std::string svg = chart_of(x, y);
    EXPECT_LT(svg.size(), 40000u);
    EXPECT_NE(std::string::npos, svg.find("series: 1 at 100000"));
}

TEST(Svg, KeepsSeriesNamesApart)
{
    const double        x[] = {0, 1}, y[] = {1, 2};
    std::vector<Series> s(5);
    for (Series &one : s)
        one.name = "same", one.x = x, one.y = y, one.n = 2;
    LineChart c{};
    c.title = "t", c.series = s.data(), c.n_series = 5;
    std::string         svg = drawn([&](Html *h) { svg_line_chart(h, &c); });
    std::vector<double> at;
    for (size_t i = svg.find("class=\"name\""); i != std::string::npos;
         i = svg.find("class=\"name\"", i + 1)) {
        size_t text = svg.rfind("y=\"", i);
        at.push_back(atof(svg.c_str() + text + 3));
    }
    ASSERT_EQ(5u, at.size());
    std::sort(at.begin(), at.end());
    for (int i = 1; i < 5; i++)
        EXPECT_GE(at[i] - at[i - 1], 13.9);
    EXPECT_LT(at.back(), 292);
}

} // namespace
