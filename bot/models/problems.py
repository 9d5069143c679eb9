"""What can be wrong with a request: a code with values. The sentences are in `bot/ui/texts/problems.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Values = Mapping[str, str | int | float]  # by name


class ProblemCode(StrEnum):
    """Why something is refused; beside each code the values that its problems have.

    `name` is a file's name as it is safe to show, `expected` the Kind that was asked for, or ANY_KIND, and
    `format` a FileFormat with its `mime`, which says more about formats that have no name here.
    """

    PROMPT_EMPTY = "prompt_empty"
    PROMPT_TOO_LONG = "prompt_too_long"  # length, length_max
    DURATION_OUT_OF_RANGE = "duration_out_of_range"  # duration, duration_min, duration_max
    SEED_NOT_A_NUMBER = "seed_not_a_number"  # typed
    SEED_OUT_OF_RANGE = "seed_out_of_range"  # seed, seed_min, seed_max

    NO_REFERENCES = "no_references"
    TOO_MANY_IMAGES = "too_many_images"  # count, count_max
    TOO_MANY_IMAGES_WITH_VIDEOS = "too_many_images_with_videos"  # count, count_max
    TOO_MANY_VIDEOS = "too_many_videos"  # count, count_max
    TOO_MANY_IMAGES_WITH_CAST = "too_many_images_with_cast"  # count, count_max, names

    CAST_UNKNOWN = "cast_unknown"  # name
    CAST_SIMILAR = "cast_similar"  # name, meant
    CAST_NOT_ALLOWED = "cast_not_allowed"  # name
    CAST_PROMPT_TOO_LONG = "cast_prompt_too_long"  # length, length_max

    FILE_NOT_READ = "file_not_read"  # name
    FILE_EMPTY = "file_empty"  # name
    FILE_TOO_LARGE = "file_too_large"  # name, size, size_max
    SIDE_TOO_SHORT = "side_too_short"  # name, width, height, side_min
    RATIO_TOO_EXTREME = "ratio_too_extreme"  # name, width, height, ratio_max
    VIDEO_TOO_LONG = "video_too_long"  # name, seconds, seconds_max
    ONE_OF_VIDEOS_TOO_LONG = "one_of_videos_too_long"  # name, seconds, seconds_max

    FORMAT_UNKNOWN = "format_unknown"  # name, expected
    FORMAT_UNUSABLE = "format_unusable"  # name, format, mime, expected
    FORMAT_TO_CONVERT = "format_to_convert"  # name, format, mime, expected
    WRONG_OPTION = "wrong_option"  # name, format, mime, expected
    WRONG_OPTION_TO_CONVERT = "wrong_option_to_convert"  # name, format, mime, expected
    NOT_A_PICTURE = "not_a_picture"  # name

    IMAGE_BROKEN = "image_broken"  # name, format
    IMAGE_TOO_MANY_PIXELS = "image_too_many_pixels"  # name, width, height, megapixels_max
    IMAGE_TOO_MANY_SCANS = "image_too_many_scans"  # name, scans, scans_max
    IMAGE_TOO_MANY_PARTS = "image_too_many_parts"  # name, format
    VIDEO_BROKEN = "video_broken"  # name, format
    VIDEO_CUT_OFF = "video_cut_off"  # name
    VIDEO_WITHOUT_INDEX = "video_without_index"  # name, format
    VIDEO_WITHOUT_PICTURE = "video_without_picture"  # name, format
    VIDEO_WITHOUT_LENGTH = "video_without_length"  # name

    VIDEO_TOO_SLOW = "video_too_slow"  # name, seconds, until
    READING_PAUSED = "reading_paused"  # until
    STILL_READING = "still_reading"
    TOO_MANY_WAITING = "too_many_waiting"


ANY_KIND = "any"


class FileFormat(StrEnum):
    """What a file can turn out to be."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    MP4 = "mp4"
    MOV = "mov"
    GIF = "gif"
    HEIC = "heic"
    AVIF = "avif"
    BMP = "bmp"
    TIFF = "tiff"
    ICO = "ico"
    PHOTOSHOP = "photoshop"
    RAW = "raw"  # of a camera
    SVG = "svg"
    WEBM = "webm"
    MKV = "mkv"
    AVI = "avi"
    WMV = "wmv"
    MPEG = "mpeg"
    FLV = "flv"
    THREE_GP = "3gp"
    SOUND = "sound"
    PDF = "pdf"
    ZIP = "zip"
    WEB_PAGE = "web_page"
    TEXT = "text"
    OTHER_IMAGE = "other_image"
    OTHER_VIDEO = "other_video"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, without words."""

    code: ProblemCode
    values: Values = field(default_factory=dict, hash=False)
