"""Every page of all roles, measured on a desktop and on a phone, with all texts one word of the maximum length: no page is wider
than its window, blocks do not touch, and neither a status nor a telephone number wraps."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.pages import every_page, write

pytestmark = [pytest.mark.browser, pytest.mark.one_database]

PROJECT = Path(__file__).parents[2]
WIDTHS = (1280, 360)
LEAST = 16  # minimum pixels between blocks
PHONE = r"(?:\+\d|\b0)[\d ]{7,}\d"

MEASURE = """([least, phone]) => {
    const found = [], tell = (what, at) => found.push(what + ': ' + at.outerHTML.replace(/\\s+/g, ' ').slice(0, 140));
    const shown = at => at.checkVisibility() && at.getBoundingClientRect().height > 1;
    const main = document.querySelector('main');

    const wide = () => document.documentElement.scrollWidth > innerWidth;
    if (wide()) tell('wider than the window', widest());
    function widest() {
        return [...document.querySelectorAll('body *')].filter(shown)
            .reduce((far, at) => at.getBoundingClientRect().right >= far.getBoundingClientRect().right ? at : far);
    }

    const BLOCK = 'section, form, fieldset, .panel, .notice, .error-summary, table, dl, ol, ul, .buttons, .btn, .field, '
        + '.filters, .listline, .paging, .page-head, .tabs, .scope, .hours, .bigbar, .with-aside, .trio, details.more, svg, '
        + '.mail, .big-empty';
    const GOES_WITH_NEXT = 'h1, h2, h3, legend, label, .listline, .trail, .visually-hidden, .kicker, .hint, .label, .hours p';
    const CLOSE = 'li, td, th, label, summary, dt, dd, .choices, .listline, .tools, .filters, .row-menu, .drop, .views, .scope, '
        + '.tabs, .paging, .error-summary, .buttons, .steps, .timeline, .tasks, .page-head, .trail, nav, table';
    // The visible part of an element: its own box when it is painted, otherwise the texts and boxes inside.
    function ink(at) {
        const style = getComputedStyle(at), own = at.getBoundingClientRect();
        const lined = parseFloat(style.borderTopWidth) || parseFloat(style.borderBottomWidth);
        const painted = lined || !style.backgroundColor.endsWith(', 0)');
        if (painted || at.closest('input, select, textarea, svg, meter, button')) return [own.top, own.bottom];
        let [top, bottom] = [Infinity, -Infinity];
        for (const part of at.childNodes) {
            let boxes = [];
            if (part.nodeType === 3 && part.data.trim()) {
                const range = document.createRange();
                range.selectNodeContents(part);
                boxes = [...range.getClientRects()].map(box => [box.top, box.bottom]);
            } else if (part.nodeType === 1 && shown(part) && getComputedStyle(part).position !== 'absolute') boxes = [ink(part)];
            for (const [from, to] of boxes) [top, bottom] = [Math.min(top, from), Math.max(bottom, to)];
        }
        return [top, bottom];
    }
    for (const at of main.querySelectorAll('*')) {
        let next = at.nextElementSibling;
        while (next && !shown(next)) next = next.nextElementSibling;
        if (!next || !shown(at) || at.parentElement.closest(CLOSE)) continue;
        if (!at.matches(BLOCK) && !next.matches(BLOCK)) continue;
        if (at.matches(GOES_WITH_NEXT)) continue;
        if ([at, next].some(one => getComputedStyle(one).display === 'inline' || one.matches('.visually-hidden'))) continue;
        const one = at.getBoundingClientRect(), two = next.getBoundingClientRect();
        const beside = two.left >= one.right - 1 || two.right <= one.left + 1, gap = ink(next)[0] - ink(at)[1];
        if (!beside && gap < least - .5 && two.top > one.top)
            tell(`${Math.round(gap)} px before ${next.outerHTML.replace(/\\s+/g, ' ').slice(0, 60)}, after`, at);
    }

    for (const at of document.querySelectorAll('.state, .count'))
        if (shown(at) && at.offsetHeight > 2 * parseFloat(getComputedStyle(at).fontSize)) tell('on two lines', at);

    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), number = new RegExp(phone, 'g');
    while (texts.nextNode()) {
        const text = texts.currentNode;
        if (!text.parentElement.checkVisibility()) continue;
        for (const match of text.data.matchAll(number)) {
            const range = document.createRange();
            range.setStart(text, match.index);
            range.setEnd(text, match.index + match[0].length);
            const tops = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
            if (tops.size > 1) tell('telephone number on two lines', text.parentElement);
        }
    }

    const closed = [...document.querySelectorAll('details:not([open])')];
    closed.forEach(at => { at.open = true });
    if (wide()) tell('wider than the window with all unfolded', widest());
    closed.forEach(at => { at.open = false });
    return found }"""


EACH = """async ([files, widths, measure, what]) => {
    const found = [];
    const frames = widths.map(width => {
        const frame = document.body.appendChild(document.createElement('iframe'));
        Object.assign(frame, { width, height: 800 });
        return frame;
    });
    for (const file of files) {
        await Promise.all(frames.map(frame => new Promise(done => { frame.onload = done; frame.src = file; })));
        for (const frame of frames)
            for (const text of frame.contentWindow.eval(`(${measure})`)(what)) found.push([file, frame.width, text]);
    }
    return found }"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def end_headers(self):
        if "/static/" in self.path:
            self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "static").symlink_to(PROJECT / "static")
    return tmp_path


@pytest.fixture
def address(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def measured(context, address, folder):
    """(file name, width, problem) for every page in this folder, each in its own frame."""
    screen = context.new_page()
    screen.set_default_timeout(0)
    (folder / "frames.htm").write_text("<!doctype html><title>Frames</title>", encoding="utf-8")
    screen.goto(f"{address}/frames.htm")
    files = sorted(path.name for path in folder.glob("*.html"))
    return screen.evaluate(EACH, [files, WIDTHS, MEASURE, [LEAST, PHONE]])


@pytest.mark.long
def test_every_page_is_laid_out_well_however_long_its_words(app, chromium, folder, address):
    pages = {path.name: page for path, page in write(every_page(app), folder).items()}
    context = chromium.new_context(viewport={"width": 1800, "height": 900}, locale="nl-BE")
    wrong = {}
    for name, width, what in measured(context, address, folder):
        wrong.setdefault(what, f"{pages[name]} at {width}")
    context.close()
    assert not wrong, "\n".join(f"{what}: {where}" for what, where in wrong.items())
