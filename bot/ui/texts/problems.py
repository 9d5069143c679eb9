"""The sentence of each problem: first what is wrong, then what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from bot.models.catalog import Kind
from bot.models.problems import ANY_KIND, FileFormat, Problem, ProblemCode, Values
from bot.ui.formatting import decimal, megabytes, number, plain_decimal, relative, seconds
from bot.ui.plain_text import plain
from bot.ui.translator import N_, _, ngettext

PROBLEMS_SHOWN = 12  # more would hide what to do first
TEXT_MAX = 2000  # characters of a message [Discord]

# What a reference can be saved as, by what is expected.
_FORMATS_NEEDED = {
    Kind.IMAGE: N_("a PNG, JPEG or WebP"),
    Kind.VIDEO: N_("an MP4 or MOV"),
    ANY_KIND: N_("a PNG, JPEG, WebP, MP4 or MOV"),
}

_FORMATS = {
    FileFormat.PNG: N_("a PNG image"),
    FileFormat.JPEG: N_("a JPEG image"),
    FileFormat.WEBP: N_("a WebP image"),
    FileFormat.MP4: N_("an MP4 video"),
    FileFormat.MOV: N_("a MOV video"),
    FileFormat.GIF: N_("a GIF"),
    FileFormat.HEIC: N_("a HEIC image"),
    FileFormat.AVIF: N_("an AVIF image"),
    FileFormat.BMP: N_("a BMP image"),
    FileFormat.TIFF: N_("a TIFF image"),
    FileFormat.ICO: N_("an ICO image"),
    FileFormat.PHOTOSHOP: N_("a Photoshop image"),
    FileFormat.RAW: N_("a raw camera image"),
    FileFormat.SVG: N_("an SVG drawing"),
    FileFormat.WEBM: N_("a WebM video"),
    FileFormat.MKV: N_("an MKV video"),
    FileFormat.AVI: N_("an AVI video"),
    FileFormat.WMV: N_("a WMV video"),
    FileFormat.MPEG: N_("an MPEG video"),
    FileFormat.FLV: N_("an FLV video"),
    FileFormat.THREE_GP: N_("a 3GP video"),
    FileFormat.SOUND: N_("a sound file"),
    FileFormat.PDF: N_("a PDF document"),
    FileFormat.ZIP: N_("a ZIP file"),
    FileFormat.WEB_PAGE: N_("a web page"),
    FileFormat.TEXT: N_("a text file"),
    FileFormat.OTHER_IMAGE: N_("an image of type {mime}"),
    FileFormat.OTHER_VIDEO: N_("a video of type {mime}"),
    FileFormat.OTHER: N_("a file of type {mime}"),
}

_SENTENCES: dict[ProblemCode, str] = {
    ProblemCode.NOT_A_PICTURE: N_(
        "**{name}** is a video, and only pictures can be saved. Choose a picture instead."
    ),
    ProblemCode.PROMPT_EMPTY: N_(
        "The prompt is empty. Describe in a few words what should happen in the video."
    ),
    ProblemCode.DURATION_OUT_OF_RANGE: N_(
        "A video can't be {duration} long. Choose a `duration` from {duration_min} to {duration_max}."
    ),
    ProblemCode.SEED_NOT_A_NUMBER: N_(
        "The seed “{typed}” isn't a whole number. Use digits only, or leave it empty for a random one."
    ),
    ProblemCode.SEED_OUT_OF_RANGE: N_(
        "The seed {seed} is out of range. "
        "Choose a number from {seed_min} to {seed_max}, or leave it empty for a random one."
    ),
    ProblemCode.NO_REFERENCES: N_(
        "There's no image or video. Add at least one that the new video should follow."
    ),
    ProblemCode.FILE_NOT_READ: N_("I couldn't get **{name}** from Discord. Attach it again."),
    ProblemCode.FILE_EMPTY: N_("**{name}** is empty (0 bytes). Attach it again."),
    ProblemCode.FILE_TOO_LARGE: N_("**{name}** is {size}, but the limit is {size_max}. Make it smaller."),
    ProblemCode.SIDE_TOO_SHORT: N_(
        "**{name}** is {width}x{height} pixels, but it has to be at least {side_min}x{side_min}. "
        "Use a larger version."
    ),
    ProblemCode.RATIO_TOO_EXTREME: N_(
        "**{name}** is {width}x{height} pixels, a ratio of {ratio}. "
        "Crop it to a ratio between 1:{ratio_max} and {ratio_max}:1."
    ),
    ProblemCode.VIDEO_TOO_LONG: N_(
        "**{name}** is {seconds} long, but a single video can be up to {seconds_max}. Cut it shorter."
    ),
    ProblemCode.ONE_OF_VIDEOS_TOO_LONG: N_(
        "**{name}** is {seconds} long, but with two videos each can be up to {seconds_max}. Cut it shorter."
    ),
    ProblemCode.FORMAT_UNUSABLE: N_("**{name}** is {format}. Attach {needed} instead."),
    ProblemCode.FORMAT_TO_CONVERT: N_("**{name}** is {format}. Save it as {needed} and attach the new file."),
    ProblemCode.IMAGE_BROKEN: N_(
        "**{name}** is {format}, but it's broken or cut off. "
        "Save it again as {image_needed} and attach the new file."
    ),
    ProblemCode.IMAGE_TOO_MANY_PIXELS: N_(
        "**{name}** is {width}x{height} pixels ({megapixels} megapixels), "
        "but the limit is {megapixels_max} megapixels. Make it smaller."
    ),
    ProblemCode.IMAGE_TOO_MANY_SCANS: N_(
        "**{name}** is a JPEG in {scans} scans, but I can read up to {scans_max}. "
        "Save it again as {image_needed} and attach the new file."
    ),
    ProblemCode.IMAGE_TOO_MANY_PARTS: N_(
        "**{name}** is {format} with so many parts that it would take too long to read. "
        "Save it again as {image_needed} and attach the new file."
    ),
    ProblemCode.VIDEO_BROKEN: N_(
        "**{name}** is {format}, but it's broken or cut off. "
        "Export it again as {video_needed} and attach the new file."
    ),
    ProblemCode.VIDEO_CUT_OFF: N_(
        "The end of **{name}** is missing. Download or save it again and attach the whole file."
    ),
    ProblemCode.VIDEO_WITHOUT_INDEX: N_(
        "**{name}** is {format} that's cut off or was never finished. "
        "Export it again as {video_needed} and attach the new file."
    ),
    ProblemCode.VIDEO_WITHOUT_PICTURE: N_(
        "**{name}** is {format} with sound, but without a picture. "
        "Attach {video_needed} that shows something."
    ),
    ProblemCode.VIDEO_WITHOUT_LENGTH: N_(
        "**{name}** is 0 seconds long or doesn't say how long it is. "
        "Export it again as {video_needed} and attach the new file."
    ),
    ProblemCode.VIDEO_TOO_SLOW: N_(
        "**{name}** took longer than {seconds} to read, so I stopped. It may be broken: "
        "export it again as {video_needed} and attach the new file. I can read your files again {until}."
    ),
    ProblemCode.READING_PAUSED: N_(
        "One of your videos took too long to read a moment ago. I can read your files again {until}."
    ),
    ProblemCode.STILL_READING: N_(
        "I'm still reading the files of your last request. Wait for its answer, then try again."
    ),
    ProblemCode.TOO_MANY_IMAGES_WITH_CAST: N_(
        "There are {count} images with those of your references, {names}, but the limit is {count_max}. "
        "Remove {excess}."
    ),
    ProblemCode.CAST_UNKNOWN: N_(
        "There's no reference **{name}** that you can use here. `/reference list` shows the ones you can use."
    ),
    ProblemCode.CAST_SIMILAR: N_("There's no reference **{name}**. Did you mean **@{meant}**?"),
    ProblemCode.CAST_NOT_ALLOWED: N_("You can't use the reference **{name}** anymore. Choose another one."),
    ProblemCode.CAST_PROMPT_TOO_LONG: N_(
        "With references, the provider also reads which image shows what, so this prompt can have up to "
        "{length_max} characters. It has {length}: shorten it."
    ),
    ProblemCode.TOO_MANY_WAITING: N_(
        "A lot of videos are waiting to be read, so I didn't get to yours. Try again in a minute."
    ),
}

# Sentences that depend on what was expected.
_BY_EXPECTED: dict[ProblemCode, dict[str, str]] = {
    ProblemCode.FORMAT_UNKNOWN: {
        Kind.IMAGE: N_("**{name}** isn't an image that I can read. Attach {needed} instead."),
        Kind.VIDEO: N_("**{name}** isn't a video that I can read. Attach {needed} instead."),
        ANY_KIND: N_("**{name}** isn't an image or a video that I can read. Attach {needed} instead."),
    },
    ProblemCode.WRONG_OPTION: {
        Kind.IMAGE: N_(
            "**{name}** is {format}, but this option takes an image. Attach it as `video1` instead."
        ),
        Kind.VIDEO: N_(
            "**{name}** is {format}, but this option takes a video. Attach it as `image1` instead."
        ),
    },
    ProblemCode.WRONG_OPTION_TO_CONVERT: {
        Kind.IMAGE: N_(
            "**{name}** is {format}, but this option takes an image. "
            "Save it as {video_needed} and attach that as `video1`."
        ),
        Kind.VIDEO: N_(
            "**{name}** is {format}, but this option takes a video. "
            "Save it as {image_needed} and attach that as `image1`."
        ),
    },
}

# Sentences that depend on a number.
_BY_NUMBER: dict[ProblemCode, tuple[str, Callable[[int], str]]] = {
    ProblemCode.PROMPT_TOO_LONG: (
        "length",
        lambda length: ngettext(
            "The prompt has {length} character, but the limit is {length_max}. Shorten it.",
            "The prompt has {length} characters, but the limit is {length_max}. Shorten it.",
            length,
        ),
    ),
    ProblemCode.TOO_MANY_IMAGES: (
        "count",
        lambda count: ngettext(
            "There is {count} image, but the limit is {count_max}. Remove {excess}.",
            "There are {count} images, but the limit is {count_max}. Remove {excess}.",
            count,
        ),
    ),
    ProblemCode.TOO_MANY_IMAGES_WITH_VIDEOS: (
        "count",
        lambda count: ngettext(
            "There is {count} image, but with videos the limit is {count_max}. Remove {excess}.",
            "There are {count} images, but with videos the limit is {count_max}. Remove {excess}.",
            count,
        ),
    ),
    ProblemCode.TOO_MANY_VIDEOS: (
        "count",
        lambda count: ngettext(
            "There is {count} video, but the limit is {count_max}. Remove {excess}.",
            "There are {count} videos, but the limit is {count_max}. Remove {excess}.",
            count,
        ),
    ),
}


def problem_text(problem: Problem) -> str:
    """Return what is wrong, and what to do about it."""
    return _sentence(problem).format_map(_shown(problem.values))


def problem_list_text(problems: Sequence[Problem], footer: str | None = None) -> str:
    """Return one message about everything that is wrong with a request; what does not fit is counted."""
    footer = footer or _("-# Nothing was sent, and this doesn't count towards your quota.")
    if len(problems) == 1:
        return f"❌ {problem_text(problems[0])}\n{footer}"
    head = ngettext("{count} thing to fix:", "{count} things to fix:", len(problems))
    lines = [f"- {problem_text(problem)}" for problem in problems[:PROBLEMS_SHOWN]]
    while True:
        hidden = len(problems) - len(lines)
        more = [_("- … and {count} more").format(count=number(hidden))] if hidden else []
        text = "\n".join([f"❌ {head.format(count=number(len(problems)))}", *lines, *more, footer])
        if len(text) <= TEXT_MAX or not lines:
            return text
        lines.pop()


def _sentence(problem: Problem) -> str:
    """Return the sentence of a problem in the reader's language, without its values."""
    code, values = problem.code, problem.values
    if code in _BY_NUMBER:
        name, choose = _BY_NUMBER[code]
        return choose(int(values[name]))
    if code in _BY_EXPECTED:
        return _(_BY_EXPECTED[code][str(values["expected"])])
    return _(_SENTENCES[code])


def _shown(values: Values) -> dict[str, str]:
    """Return the values of a problem as people read them, and what follows from them."""
    shown = {name: _value(name, value) for name, value in values.items()}
    shown["image_needed"] = _(_FORMATS_NEEDED[Kind.IMAGE])
    shown["video_needed"] = _(_FORMATS_NEEDED[Kind.VIDEO])
    if "expected" in values:
        shown["needed"] = _(_FORMATS_NEEDED[str(values["expected"])])
    if "format" in values:
        shown["format"] = _(_FORMATS[FileFormat(str(values["format"]))]).format(mime=values.get("mime", ""))
    if "count" in values:
        shown["excess"] = number(int(values["count"]) - int(values["count_max"]))
    if "width" in values:
        shown |= _shape(int(values["width"]), int(values["height"]))
    return shown


# How a value is shown; others as the number or the text that they are.
_LENGTHS = {"duration", "duration_max", "seconds", "seconds_max"}
_SHOWN_AS: Mapping[str, Callable[[int], str]] = {
    "size": megabytes,
    "size_max": megabytes,
    "length": number,
    "length_max": number,
    "scans": number,
    "until": lambda moment: relative(datetime.fromtimestamp(moment, UTC)),
}


def _value(name: str, value: str | int | float) -> str:
    if name == "typed":
        return plain(str(value))
    if name in _LENGTHS:
        return seconds(float(value))
    if name in _SHOWN_AS:
        return _SHOWN_AS[name](int(value))
    return plain_decimal(round(value, 1)) if isinstance(value, float) else str(value)


def _shape(width: int, height: int) -> dict[str, str]:
    """Return ratio and megapixels, rounded up: what is just over a limit must not read like the limit."""
    longer, shorter = max(width, height), min(width, height)
    ratio = plain_decimal(-(-longer * 100 // max(shorter, 1)) / 100)
    return {
        "ratio": f"{ratio}:1" if width >= height else f"1:{ratio}",
        "megapixels": decimal(-(-width * height // 100_000) / 10),
    }
