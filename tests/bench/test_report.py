import json
import math
import os
import re
import shutil

import pytest

from ganzoo.bench import report
from ganzoo.bench.results import Ablation, Results, Row
from ganzoo.errors import GanzooError
from tests.bench.comparison import CAPTIONS, NAMES, PROTOCOL, draw_pictures, results, row, score

EVIL = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7 * 7 }}\u202egnp"
EMPTY = Results(made="now", settings={}, machine={})


@pytest.fixture
def page(tmp_path):
    """`page(metrics=[])`: the report of results with such changes, their pictures drawn; without curves."""

    def render(curves=False, **changes):
        found = results(**changes)
        if not curves:
            rows = [line.model_copy(update={"curves": []}) for line in found.rows]
            found = found.model_copy(update={"rows": rows})
        draw_pictures(found, tmp_path)
        return report.render(found, tmp_path)

    return render


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The report of the results as they are."""
    folder = tmp_path_factory.mktemp("plain")
    draw_pictures(results(), folder)
    return report.render(results(), folder)


def section(html, anchor):
    """One section of the page, from its heading on."""
    return re.search(rf'<section aria-labelledby="{anchor}">.*?</section>', html, re.DOTALL)[0]


def text(html):
    """What is to be read in it, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&nbsp;", " ").split())


def body_lines(html):
    """The lines of the first table's body, as text."""
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)[1]
    return [text(line) for line in re.findall(r"<tr>.*?</tr>", body, re.DOTALL)]


# -- ranking -----------------------------------------------------------------------------


def test_the_ranking_has_values_intervals_floors_and_directions(html):
    part = section(html, "ranking")
    assert body_lines(part) == [
        "1 A attngan-shapes-minilm Model 2 on drawn shapes 0.0490 [0.0450, 0.0530] 0.800 [0.780, 0.820]"
        " leaks 1",
        "2 B stackgan-shapes Model 1 on drawn shapes 0.0520 [0.0480, 0.0560] 0.710 [0.690, 0.730]",
        "3 C gan-int-cls-shapes Model 0 on drawn shapes 0.0810 [0.0770, 0.0850] 0.550 [0.530, 0.570]",
    ]
    assert "real pictures, against real ones 0.0010 0.970" in text(part)
    assert "kid ↓ , lower is better agreement ↑ , higher is better" in text(part)
    assert '<li id="leak-1" value="1">its text encoder is the one that grades</li>' in part
    assert "95 % intervals (t over 2 seeds)." in text(part)


def test_bold_are_the_best_and_what_is_not_told_apart_from_it(html):
    assert re.findall(r"<strong>([\d.]+)</strong>", html) == ["0.0490", "0.800", "0.0520"]
    assert "not told apart from it, as the intervals overlap: B stackgan-shapes ." in text(html)


def test_scores_of_another_protocol_stand_apart_and_are_not_ranked(page):
    few = score(value=0.001, id="kid-2", protocol=PROTOCOL | {"metric": "core/kid", "samples": 500})
    best = row(0, 0.001, 0.55, scores=[few, score("agreement", 0.55, 0.02, floor=0.97)])
    html = section(page(rows=[best, row(1, 0.052, 0.71), row(2, 0.049, 0.8)]), "ranking")
    assert body_lines(html)[2] == "– C gan-int-cls-shapes Model 0 on drawn shapes – 0.550 [0.530, 0.570]"
    apart = html[html.index('id="apart"') :]
    assert "kid ↓ , lower is better samples: 500, not 2000" in text(apart)
    assert body_lines(apart) == ["C gan-int-cls-shapes 0.0010 [−0.0030, 0.0050]"]
    assert "<strong>0.0010" not in html


def test_floors_that_differ_stand_beside_their_scores(page):
    rows = [row(0, 0.08, 0.5, scores=[score(value=0.08, floor=0.002)]), row(1, 0.05, 0.7)]
    assert "0.0800 [0.0760, 0.0840] real: 0.0020" in body_lines(section(page(rows=rows), "ranking"))[1]


def test_left_out_rows_say_why(html):
    said = body_lines(section(html, "left-out"))
    assert said == [
        "gawwn-shapes broken step 120: generator/nonsaturating is not finite",
        "attngan-birds refused it was trained on core/birds, not core/shapes",
    ]


# -- what else is in it ------------------------------------------------------------------


def test_samples_stand_by_caption_with_the_real_picture(html):
    part = section(html, "samples")
    assert re.findall(r"<h3>(.*?)</h3>", part) == [f"“{caption}”" for caption in CAPTIONS]
    alts = re.findall(r'alt="(.*?)"', part)
    assert alts[:2] == [f"Real picture: {CAPTIONS[0]}", f"Drawn by {NAMES[2]}: {CAPTIONS[0]}"]
    assert part.count('src="data:image/png;base64,') == len(alts) == 8


def test_pictures_that_cannot_be_shown_are_named(tmp_path, page):
    (tmp_path / "no.png").write_text("<svg/>")
    (tmp_path.parent / "secret.png").write_bytes(b"secret")
    (tmp_path / "link.png").symlink_to(tmp_path.parent / "secret.png")
    names = [["gone.png", "no.png"], ["../secret.png", "link.png"], ["pictures/2-0.png"]]
    rows = [row(number, 0.05, 0.5, pictures=names[number]) for number in range(3)]
    found = results(rows=rows)
    draw_pictures(results(), tmp_path)
    html = section(report.render(found, tmp_path), "samples")
    assert re.findall(r'class="missing">(.*?)<', html) == [
        "gone.png cannot be read: No such file or directory",
        "../secret.png is not in the folder of the results",
        "no.png is no PNG",
        "link.png is not in the folder of the results",
        "not drawn",
    ]


def test_curves_are_drawn_by_steps_and_by_seconds(html):
    part = section(html, "training")
    labels = re.findall(r'aria-label="(.*?)"', part)
    assert labels[1].startswith("kid over steps of training. attngan-shapes-minilm ends at 0.0881; ")
    assert labels[2].startswith("kid over seconds of training.")
    assert "<summary>generator/nonsaturating</summary>" in part


def test_quality_stands_beside_speed(html):
    part = section(html, "quality-speed")
    assert "stackgan-shapes: 450 pictures drawn a second, 0.0520" in part
    assert "stackgan-shapes: 78.0 pictures trained on a second, 0.0520" in part
    assert body_lines(part)[1] == "B stackgan-shapes 16 2.47 M 3.46 M 123 MFLOP 24.0 ms 450 12.0 MB 78.0"


def test_ablations_subtract_only_what_may_be_compared(page):
    other = score("agreement", 0.8, 0.02, id="agreement-2", protocol=PROTOCOL | {"samples": 500})
    rows = [row(1, 0.052, 0.71), row(2, 0.04, 0.8, scores=[score(value=0.04), other])]
    html = section(page(rows=rows), "ablations")
    assert "stackgan-shapes core/ngrams attngan-shapes-minilm minilm/text kid ↓" in text(html)
    assert "−0.0120 second is better" in text(html)
    assert "– not comparable: metric: core/kid, not core/agreement; samples: 500, not 2000" in text(html)


def test_an_ablation_without_its_row_says_so(page):
    gone = [Ablation(one=NAMES[0], other="elsewhere", path="text", values=("a", "b"))]
    assert "elsewhere is not among the models" in section(page(ablations=gone), "ablations")


def test_published_scores_are_marked_as_not_comparable(html):
    part = section(html, "published")
    assert "Not comparable with any score above" in text(part)
    assert body_lines(part)[0].endswith("inception_score 2.88, fid not reported")


def test_speed_settings_and_recipes_are_there(html):
    assert (
        body_lines(section(html, "benchmarks"))[0]
        == "test_step[gan-int-cls-shapes] 200 ms 210 ms 10.0 ms 12 batch 16"
    )
    assert "data.count 4000" in text(section(html, "settings"))
    assert "torch 2.15.0" in text(section(html, "settings"))
    assert "{use: core/shapes}" in section(html, "recipes")
    assert "samples 2000" in text(section(html, "protocols"))


def test_a_speed_report_of_another_form_says_what_is_wrong(page):
    assert "cannot be read: `benchmarks`: Field required" in section(page(speed={}), "benchmarks")


# -- whatever the results are ------------------------------------------------------------


def test_empty_results_make_a_page(tmp_path):
    html = report.render(EMPTY, tmp_path)
    assert "No model was finished." in html and "No model has a score" in html


def test_without_metrics_nothing_is_ranked(page):
    html = page(metrics=[])
    assert "No model has a score that models can be ranked by." in html
    assert body_lines(section(html, "ranking"))[0].startswith("– A")


def test_numbers_that_are_none_are_written_out_and_last(page):
    rows = [row(0, math.nan, math.inf), row(1, 0.0, 0.7)]
    lines = body_lines(section(page(rows=rows), "ranking"))
    assert lines[0].startswith("1 A stackgan-shapes") and "not a number" in lines[1] and "∞" in lines[1]


def test_text_of_strangers_stays_text(page, tmp_path):
    hurt = row(0, 0.05, 0.5).model_copy(
        update={key: EVIL for key in ("name", "title", "paper", "recipe")} | {"reported": {EVIL: EVIL}}
    )
    hurt = hurt.model_copy(
        update={
            "scores": [score(EVIL, 0.1, leaks=EVIL, interval=EVIL, protocol={EVIL: EVIL}), score(value=0.05)],
            "curves": [curve.model_copy(update={"name": EVIL}) for curve in hurt.curves],
        }
    )
    html = page(
        curves=True,
        made=EVIL,
        rows=[hurt, row(1, 0.04, 0.5), Row(name=EVIL, state="broken", reason=EVIL)],
        captions=[EVIL, EVIL],
        settings={EVIL: [EVIL]},
        machine={EVIL: EVIL},
        metrics=["kid", EVIL],
        ablations=[Ablation(one=EVIL, other=NAMES[1], path=EVIL, values=(EVIL, EVIL))],
        speed={
            "benchmarks": [
                {
                    "name": EVIL,
                    "group": EVIL,
                    "stats": {"mean": 1, "stddev": 1, "median": 1, "rounds": 1},
                    "extra_info": {EVIL: EVIL},
                }
            ]
        },
    )
    assert html.count("<script>") == 1 and "<img src=x" not in html and "{{ 7 * 7 }}" in html
    assert html.count("alert(1)") > 30, "it is shown"
    assert "\u202e" not in html and "\\u202egnp" in html


def test_the_page_names_nothing_outside(html):
    assert not re.search(r"(src|href)=\"(?!data:|#)", html) and "url(http" not in html
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', html)[1]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy


def test_it_is_written_in_one_step(tmp_path):
    out = report.write(EMPTY, tmp_path, tmp_path / "sub" / "report.html")
    assert out.read_text().startswith("<!DOCTYPE html>") and os.listdir(out.parent) == ["report.html"]
    with pytest.raises(GanzooError, match=r"cannot write the report .*: File exists"):
        report.write(EMPTY, tmp_path, out / "report.html")


# -- in a browser ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium: the system's own. Without one these tests are skipped, but fail in CI."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have chromium; .ci/run installs it")
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """The report, open on a phone's screen: the page, what went wrong, and what it asked for."""
    folder = tmp_path_factory.mktemp("report")
    long = "a-model-of-a-rather-long-name-" * 3
    found = results(rows=[*results().rows, row(0, 0.07, 0.5, title=EVIL).model_copy(update={"name": long})])
    draw_pictures(found, folder)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    wrong, asked = [], []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append("dialog"), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.write(found, folder, folder / "report.html").as_uri())
    yield page, wrong, asked
    page.close()


def names(page):
    return page.locator("#ranking ~ .box >> nth=0").locator("tbody .name").all_inner_texts()


def test_it_opens_without_errors_and_asks_for_nothing(opened):
    page, wrong, asked = opened
    page.wait_for_load_state("load")
    assert wrong == []
    assert [url for url in asked if not url.startswith("data:")] == [page.url]
    assert page.title().startswith("Comparison of 6 models")


def test_every_picture_is_shown(opened):
    widths = opened[0].evaluate("[...document.images].map(image => image.naturalWidth)")
    assert widths == [16] * 10


def test_a_phone_scrolls_tables_but_not_the_page(opened):
    page = opened[0]
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    wide = page.evaluate(
        "[...document.querySelectorAll('.box')].some(box => box.scrollWidth > box.clientWidth)"
    )
    assert wide


def test_a_printed_page_is_as_wide_as_paper_and_light(opened):
    page = opened[0]
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 673, "height": 1000})  # A4 without its margins
    wide = page.evaluate("document.documentElement.scrollWidth")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(media="screen", color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    assert (wide, paper) == (673, "rgb(255, 255, 255)")


def test_ids_are_unique_and_links_lead_to_them(opened):
    ids = opened[0].evaluate("[...document.querySelectorAll('[id]')].map(part => part.id)")
    links = opened[0].evaluate("[...document.querySelectorAll('a[href]')].map(link => link.hash.slice(1))")
    assert len(ids) == len(set(ids)) and len(links) > 10 and set(links) <= set(ids)


def test_tables_sort_by_click(opened):
    page = opened[0]
    page.reload()
    assert names(page)[0] == NAMES[2]
    heading = page.locator("#ranking ~ .box >> nth=0").locator(
        "th", has=page.get_by_role("button", name="kid")
    )
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert names(page)[0] == NAMES[0] and names(page)[3] == NAMES[2]


def test_tables_sort_by_keyboard(opened):
    page = opened[0]
    page.reload()
    button = page.locator("#ranking ~ .box >> nth=0").get_by_role("button", name="model")
    button.focus()
    page.keyboard.press("Enter")
    assert names(page) == sorted(names(page))
    page.keyboard.press("Space")
    assert names(page) == sorted(names(page), reverse=True)
    assert page.locator("#ranking ~ .box >> nth=0").locator("th[aria-sort]").count() == 1


def test_dark_pages_have_light_ink_in_text_and_figures(opened):
    page = opened[0]
    page.emulate_media(color_scheme="dark")
    ink = "getComputedStyle(document.querySelector('{}')).{}"
    colours = [page.evaluate(ink.format(*of)) for of in (("body", "color"), ("svg text", "fill"))]
    page.emulate_media(color_scheme="light")
    assert colours == ["rgb(230, 228, 223)"] * 2


def test_the_results_survive_their_file(tmp_path):
    found = results()
    assert Results.model_validate(json.loads(found.model_dump_json())) == found
