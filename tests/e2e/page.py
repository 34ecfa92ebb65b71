#!/usr/bin/env python3
"""The HTML report in headless Chromium: what a reader sees, with a mouse, with a keyboard, with a screen reader, without JavaScript, on paper.

    page.py BINARY REPOSITORY NODE_MODULES [Page | Axe]

Axe alone needs the npm registry, so it is a CTest test of its own. With PICTURES=folder screenshots and PDFs are kept there."""
import base64
import collections
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import reports_to_show as shown

BINARY, REPOSITORY, NODE_MODULES = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
PICTURES = os.environ.get("PICTURES", "")
DESKTOP, PHONE = (1280, 900), (390, 844)


def missing():
    needed = [name for name in ("chromium", "chromedriver", "pdftotext") if not shutil.which(name)]
    try:
        import selenium  # noqa: F401  pylint: disable=unused-import
    except ImportError:
        needed.append("python3-selenium")
    if "Page" not in sys.argv[1:] and not os.path.isdir(f"{NODE_MODULES}/axe-core"):
        needed.append(f"axe-core in {NODE_MODULES} (npm install --prefix build/npm, see vnetprobe.sh)")
    return needed


class Words(html.parser.HTMLParser):
    """Words with their boxes, page by page, of `pdftotext -bbox`."""
    def __init__(self, text):
        super().__init__()
        self.pages, self.size, self.box = [], None, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "page":
            self.pages.append([])
            self.size = float(values["width"]), float(values["height"])
        elif tag == "word":
            self.box = tuple(float(values[key]) for key in ("xmin", "ymin", "xmax", "ymax"))

    def handle_data(self, data):
        if self.box:
            self.pages[-1].append((data, self.box))
            self.box = None


class Shown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.make_pages()
        options = Options()
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--disable-background-networking",
                     "--disable-component-update", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={cls.folder.name}/profile"):
            options.add_argument(word)
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        cls.addClassCleanup(cls.browser.quit)

    @classmethod
    def make_pages(cls):
        folder = cls.folder.name
        broken, healthy = shown.demo(BINARY, "storage-firewall", folder), shown.demo(BINARY, "none", folder)
        cls.report = broken
        for name, report in {"broken": broken, "healthy": healthy, "silent": shown.demo(BINARY, "dns-server-dead", folder), "hostile": shown.poisoned(broken),
                             "long": shown.with_long_strings(broken, 200_000), "large": shown.with_checks(broken, 500)}.items():
            pathlib.Path(folder, f"{name}.json").write_text(json.dumps(report))
            done = shown.run(BINARY, "diagnose", f"{folder}/{name}.json", "--output", f"html={folder}/{name}.html")
            assert done.returncode in (0, 1), done.stderr
        for name, one, other in (("compared", "broken", "healthy"), ("compared-hostile", "hostile", "healthy")):
            done = shown.run(BINARY, "diagnose", f"{folder}/{one}.json", "--compare", f"{folder}/{other}.json", "--output", f"html={folder}/{name}.html")
            assert done.returncode in (0, 1), done.stderr

    def command(self, name, **parameters):
        return self.browser.execute_cdp_cmd(name, parameters)

    def show(self, name, size=DESKTOP, scheme="light", script=True, media=""):
        self.command("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=size == PHONE)
        self.command("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}])
        self.command("Emulation.setScriptExecutionDisabled", value=not script)
        self.browser.get_log("browser")
        self.browser.get_log("performance")
        self.browser.get("about:blank")
        self.browser.get(f"file://{self.folder.name}/{name}.html")

    def ask(self, script):
        """Evaluated by the debugger, which also works where the page's own scripts are off."""
        answer = self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        self.assertNotIn("exceptionDetails", answer, answer.get("exceptionDetails"))
        return answer["result"].get("value")

    def press(self, key, code):
        for kind in ("rawKeyDown", "char", "keyUp") if key == "Enter" else ("rawKeyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text="\r" if key == "Enter" and kind == "char" else "")

    def picture(self, name):
        if PICTURES:
            os.makedirs(PICTURES, exist_ok=True)
            pathlib.Path(PICTURES, f"{name}.png").write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))


class Axe(Shown):
    def test_axe_finds_no_violation(self):
        axe = pathlib.Path(NODE_MODULES, "axe-core", "axe.min.js").read_text()
        everywhere = ((DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"))
        for name, settings in (("broken", everywhere), ("healthy", everywhere[1:2]), ("silent", everywhere[:1]), ("hostile", everywhere[2:]),
                               ("compared", everywhere[1:]), ("compared-hostile", everywhere[:1])):
            for size, scheme in settings:
                self.show(name, size, scheme)
                # Folded parts too: all of it is opened first.
                self.ask("document.querySelectorAll('details').forEach((d, i) => { if (i < 15) d.open = true; })")
                self.ask(axe + "; 0")
                found = self.ask("axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + n.failureSummary)])))")
                self.assertEqual(json.loads(found), [], (name, size, scheme))


class Page(Shown):
    def test_nothing_is_fetched_and_nothing_is_complained_about(self):
        for name in ("broken", "healthy", "hostile", "large", "compared"):
            self.show(name)
            self.assertEqual([entry for entry in self.browser.get_log("browser")], [], name)
            events = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
            asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
            self.assertEqual(asked - {"about:blank"}, {f"file://{self.folder.name}/{name}.html"})

    def test_the_first_screen_says_what_is_wrong_who_fixes_it_and_how(self):
        for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
            for scheme in ("light", "dark"):
                self.show("broken", size, scheme)
                self.picture(f"broken-{name}-{scheme}")
                for words in ("UNHEALTHY", "The firewall of storage account demostorage refuses this network", "Who fixes it"):
                    below = self.ask(f"""[...document.querySelectorAll('h1,h2,h3,dt')].find(e => e.textContent.includes({json.dumps(words)})).getBoundingClientRect().bottom""")
                    self.assertLess(below, size[1], (words, name))
                self.assertEqual(self.ask("document.documentElement.scrollWidth - innerWidth"), 0, "no sideways scrolling of the page")

    def test_the_keyboard_reaches_and_works_everything(self):
        self.show("broken")
        visited = []
        for _ in range(12):
            self.press("Tab", 9)
            visited.append(self.ask("(e => `${e.tagName} ${e.textContent.slice(0, 30)}|${getComputedStyle(e).outlineStyle}`)(document.activeElement)"))
        self.assertTrue(visited[0].startswith("A Skip to the report"), visited)
        self.assertTrue(all(one.endswith("|solid") for one in visited), f"the focus can be seen: {visited}")
        kinds = {one.split()[0] for one in visited}
        self.assertLessEqual({"A", "BUTTON", "SUMMARY"}, kinds, visited)
        self.ask("document.querySelector('.command button').focus()")
        self.press("Enter", 13)
        self.ask("new Promise(done => { const poll = () => document.getElementById('announcements').textContent ? done() : setTimeout(poll, 10); poll(); })")
        self.assertRegex(self.ask("document.getElementById('announcements').textContent"), "clipboard|selected")
        self.ask("document.querySelector('.more summary').focus()")
        self.press("Enter", 13)
        self.assertTrue(self.ask("document.querySelector('.more').open"))
        self.ask("document.querySelector('.more a').focus()")
        self.press("Enter", 13)
        self.ask("new Promise(done => { const poll = () => document.querySelector('.check[open]') ? done() : setTimeout(poll, 10); poll(); })")
        self.assertEqual(self.ask("document.querySelector('.check[open] .row code').textContent"), "storage.blob/demostorage")
        self.picture("check-opened")

    def test_the_filter_leaves_what_was_asked_for(self):
        self.show("broken")
        self.ask("(i => { i.value = 'storage.'; i.dispatchEvent(new Event('input')); })(document.querySelector('.tools input'))")
        self.assertEqual(self.ask("[...document.querySelectorAll('.check')].filter(c => !c.hidden).every(c => c.textContent.includes('storage.'))"), True)
        self.ask("(i => { i.value = ''; i.dispatchEvent(new Event('input')); })(document.querySelector('.tools input'))")
        self.ask("document.querySelector('.tools input[type=checkbox]').click()")
        left = self.ask("[...document.querySelectorAll('.check')].filter(c => !c.hidden).map(c => c.querySelector('.badge').textContent)")
        self.assertEqual(set(left) & {"pass", "skip"}, set())
        self.assertEqual(left.count("fail"), 4)

    def test_without_javascript_all_of_it_is_there(self):
        self.show("broken")
        everything = self.ask("document.querySelector('main').textContent.replace(/Copy|Save as a file/g, '').length")
        self.show("broken", script=False)
        self.assertEqual(self.ask("document.querySelectorAll('button').length"), 0, "no button that would do nothing")
        self.assertTrue(self.ask("document.querySelector('.tools').hidden"))
        self.assertEqual(self.ask("document.querySelector('main').textContent.length"), everything)
        self.ask("document.querySelector('.more summary').focus()")
        self.press("Enter", 13)
        self.assertTrue(self.ask("document.querySelector('.more').open"), "the evidence opens")
        self.picture("without-javascript")

    def test_a_hostile_report_is_text(self):
        for name in ("hostile", "long", "compared-hostile"):
            for size in (DESKTOP, PHONE):
                self.show(name, size)
                self.assertEqual(self.ask("document.querySelectorAll('img, iframe, object, embed, form, link, base, textarea').length"), 0, name)
                self.assertEqual(self.ask("document.querySelectorAll('script').length"), 1, name)
                self.assertEqual(self.ask("[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on') || a.name == 'style')).length"), 0, name)
                self.assertIn("<script>alert(1)</script>", self.ask("document.body.textContent"), name)
                self.assertIsNone(re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00-\x08\x0e-\x1f\x7f-\x9f]", self.ask("document.body.textContent")), name)
                self.assertEqual(self.ask("document.documentElement.scrollWidth - innerWidth"), 0, f"{name}: nothing widens the page")
                self.picture(f"{name}-{'phone' if size == PHONE else 'desktop'}")

    def test_five_hundred_checks_stay_smooth(self):
        # What makes a long page slow is laying out what nobody looks at: counted, not timed.
        self.show("large")
        self.assertEqual(self.ask("document.querySelectorAll('.check').length"), 500)
        for position in ("0", "document.body.scrollHeight / 4", "document.getElementById('check-400').offsetTop"):
            self.ask(f"scrollTo(0, {position}); new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            laid_out = self.ask("[...document.querySelectorAll('.check .row code')].filter(e => e.checkVisibility({contentVisibilityAuto: true})).length")
            self.assertLess(laid_out, 150, position)
        self.assertGreater(laid_out, 5, "the rows on the screen are there")
        self.assertLess(self.ask("document.querySelectorAll('*').length"), 60 * 500)
        self.assertLess(os.path.getsize(f"{self.folder.name}/large.html"), 10 << 20)

    def printed(self, name, script=True):
        self.show(name, script=script)
        path = pathlib.Path(self.folder.name, f"{name}.pdf")
        path.write_bytes(base64.b64decode(self.command("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]))
        if PICTURES:
            shutil.copy(path, PICTURES)
        return Words(subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, check=True).stdout.decode())

    def test_on_paper_no_row_is_cut(self):
        for name in ("broken", "large"):
            words = self.printed(name)
            width, height = words.size
            self.assertAlmostEqual(width / height, 210 / 297, places=2, msg="A4")
            outside = [word for page in words.pages for word in page if word[1][0] < 20 or word[1][2] > width - 20 or word[1][1] < 20 or word[1][3] > height - 20]
            self.assertEqual(outside, [], name)
            rows = collections.Counter()
            for page in words.pages:
                badges = [box for text, box in page if text in ("pass", "fail", "skip", "inconclusive") and box[0] < 60]
                for box in badges:
                    beside = [text for text, other in page if other[1] < box[3] and other[3] > box[1] and other[0] > box[2]]
                    rows["whole"] += any("." in text or "/" in text for text in beside)
                    rows["times"] += any(text in ("ms", "s", "-") for text in beside)
            checks = 500 if name == "large" else len(self.report["checks"])
            self.assertEqual(rows["whole"], checks, f"{name}: every row has its check and its verdict on one page")
            self.assertEqual(rows["times"], checks, f"{name}: and its time")
            # A failed check's reason stays with it.
            for page in words.pages:
                texts = [text for text, _ in page]
                for at, text in enumerate(texts):
                    if text == "fail" and page[at][1][0] < 60:
                        self.assertIn("itself", texts[at:at + 14], f"{name}: the reason is on the page of its check")

    def test_on_paper_the_evidence_of_a_diagnosis_is_unfolded_also_without_javascript(self):
        texts = " ".join(text for page in self.printed("broken", script=False).pages for text, _ in page)
        self.assertIn("AuthorizationFailure to an anonymous request", texts)
        self.assertIn("Explains:", texts)
        self.assertNotIn("Copy", texts)
        self.assertNotIn("Save as a file", texts)


if __name__ == "__main__":
    lacking = missing()
    if lacking:
        print("skipped, for want of:", ", ".join(lacking))
        sys.exit(77)
    unittest.main()
