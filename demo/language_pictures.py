"""Take the pictures of docs/translating.md: the same card in a Discord of each language."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Browser, Page

from bot.models.languages import LOCALES, Language
from bot.ui.catalogs import languages
from demo.camera import HEIGHT, WIDTH, look_at, write
from demo.visitor import SAMPLES, Visitor, run_demo

# "!fail" is a word of the demo, the same in every language.
PROMPTS = {
    Language.ENGLISH: "The lamp of the lighthouse goes out !fail",
    Language.PORTUGUESE: "A luz do farol se apaga !fail",
    Language.SPANISH: "Se apaga la luz del faro !fail",
    Language.FRENCH: "La lumière du phare s’éteint !fail",
    Language.GERMAN: "Das Licht im Leuchtturm geht aus !fail",
    Language.RUSSIAN: "Маяк гаснет !fail",
    Language.JAPANESE: "灯台の明かりが消える !fail",
    Language.KOREAN: "등대의 불빛이 꺼진다 !fail",
}
FAILED = "❌"  # begins the heading in every language
CARD = "568px"  # wide
# The page's own font for these is Chinese, in which some characters have another form.
FONTS = {Language.JAPANESE: "Noto Sans CJK JP", Language.KOREAN: "Noto Sans CJK KR"}
_USE_FONT = """([language, font]) => {
    const page = document.documentElement, name = "--preview-font-sans";
    const usual = getComputedStyle(page).getPropertyValue(name);
    page.lang = language;
    if (font) page.style.setProperty(name, usual.replace('"Noto Sans SC"', `"${font}", "Noto Sans SC"`));
}"""


def take_language_pictures(browser: Browser) -> Iterator[str]:
    """Let the same request fail in each language, take a picture of its card, and yield their names."""
    for language in languages():
        with run_demo("--locale", locale_of(language)) as location:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            visitor = Visitor(page)
            visitor.open(location)
            yield _take_picture(visitor, language)
            page.close()


def locale_of(language: Language) -> str:
    """Return the first of Discord's locales that is answered in a language."""
    return next(locale for locale, answered in LOCALES.items() if answered is language)


def _take_picture(visitor: Visitor, language: Language) -> str:
    _write_in(visitor.page, language)
    prompt = PROMPTS[language]
    visitor.run("vidu", {"image1": SAMPLES / "lighthouse.jpg"}, prompt=prompt)
    message = visitor.message(prompt, FAILED)
    visitor.wait_for_media()
    # Without what the page itself says above the card, which is in English.
    card = message.locator(".component-container")
    # The page does not give cards the same room each time, and the pictures stand side by side.
    card.evaluate("(card, width) => { card.style.boxSizing = 'border-box'; card.style.width = width; }", CARD)
    return write(f"language-{language.value}", look_at(card))


def _write_in(page: Page, language: Language) -> None:
    """Let the page choose characters and break lines as usual in a language."""
    page.evaluate(_USE_FONT, [locale_of(language), FONTS.get(language)])
