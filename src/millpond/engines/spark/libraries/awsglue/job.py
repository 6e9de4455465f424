"""A job's begin and end: `Job.init` starts its bookmarks, `Job.commit` keeps them.

Source: "Tracking processed data using job bookmarks" (AWS Glue developer guide).
"""

from __future__ import annotations

from typing import Any

from . import bookmarks


class Job:
    @classmethod
    def continuation_options(cls) -> list[str]:
        return [
            "--continuation-option",
            "continuation-enabled",
            "continuation-readonly",
            "continuation-ignore",
        ]

    @classmethod
    def job_bookmark_options(cls) -> list[str]:
        return [
            "--job-bookmark-option",
            "job-bookmark-enable",
            "job-bookmark-pause",
            "job-bookmark-disable",
        ]

    @classmethod
    def job_bookmark_range_options(cls) -> list[str]:
        return ["--job-bookmark-from", "--job-bookmark-to"]

    @classmethod
    def id_params(cls) -> list[str]:
        return ["--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--SECURITY_CONFIGURATION"]

    @classmethod
    def encryption_type_options(cls) -> list[str]:
        return ["--encryption-type", "sse-s3"]

    def __init__(self, glue_context: Any) -> None:
        self._glue_context = glue_context

    def init(self, job_name: str, args: dict[str, Any] | None = None) -> None:
        """Start the job's bookmarks; a second time changes nothing."""
        bookmarks.start()

    def isInitialized(self) -> bool:
        return bookmarks.started()

    def commit(self) -> None:
        """Keep what the sources of this run have read, so that the next run begins after it."""
        bookmarks.commit()
