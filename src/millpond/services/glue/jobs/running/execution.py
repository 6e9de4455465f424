"""One run's process: launched as its definition and arguments say, and ended."""

import asyncio
import os
from typing import Any

from millpond.engines.spark import interface as spark
from millpond.kernel.body import BytesBody
from millpond.kernel.call import Call, Scope
from millpond.kernel.credentials import Credential
from millpond.kernel.errors import ServiceError
from millpond.services.glue.connections.store import load_connection
from millpond.services.glue.jobs.arguments import BOOKMARK_OPTION, merge, read_settings, words_of
from millpond.services.glue.jobs.capacity import PYTHON_SHELL, nodes_for
from millpond.services.glue.jobs.definitions import (
    TIMEOUT_MINUTES_MAX,
    command_of,
    script_place,
)
from millpond.services.glue.jobs.model import Run
from millpond.services.glue.jobs.role import ACTIONS, SESSION, role_call, short_role
from millpond.services.glue.jobs.running.logs import RunLogs
from millpond.services.glue.jobs.running.workplace import (
    FOLDER_VARIABLE,
    CannotFetch,
    Fetched,
    Workplace,
)
from millpond.services.glue.needs import Needs

GLUE = "Glue"
END_GRACE_SECONDS = 2.0
_SPARE_MINUTES = 60
"""How much longer than its script may run a run's credentials last."""
_ONCE = {"spark.yarn.maxAppAttempts": "1"}


class CannotLaunch(Exception):
    """The script cannot be run; the text is what the run fails with."""


class Execution:
    """`prepare`, `begin`, `ended`, and in any case `end`."""

    def __init__(self, needs: Needs, scope: Scope, run: Run, place: Workplace) -> None:
        self._needs, self._scope, self._run, self._place = needs, scope, run, place
        definition = run.definition
        self._arguments = merge(definition, run.arguments)
        self.settings = read_settings(definition, self._arguments)
        self._is_shell = command_of(definition) == PYTHON_SHELL
        self._call: Call = role_call(needs, scope, definition.role or "")
        self._logs = RunLogs(needs, self._call, run, self.settings)
        self._cluster: spark.Cluster | None = None
        self._process: spark.Run | None = None
        self._fetched: Fetched | None = None

    @property
    def has_engine(self) -> bool:
        return not self._is_shell

    async def lend(self) -> Credential:
        """Credentials of the job's role, for as long as the run may take."""
        minutes = self._run.timeout_minutes or TIMEOUT_MINUTES_MAX
        return await self._needs.credentials.issue(
            role=short_role(self._run.definition.role or ""),
            session_name=SESSION,
            actions=ACTIONS,
            lifetime_seconds=(minutes + _SPARE_MINUTES) * 60,
        )

    async def prepare(self, credential: Credential) -> None:
        """Fetch what the run needs and start its cluster: all that comes before the script.

        Raises:
            CannotLaunch: something is missing; the text names it.
        """
        place, needs, settings = self._place, self._needs, self.settings
        await asyncio.to_thread(place.make)
        self._logs.follow(place.stdout, place.stderr)
        try:
            await self._check_connections()
            self._fetched = await self._fetch()
            await self._make_event_folder()
            runtime = needs.sparks[settings.runtime]
            self._cluster = await runtime.start(self._order(credential, self._fetched, runtime))
        except (CannotFetch, spark.CannotStart) as error:
            self._say(str(error))
            raise CannotLaunch(str(error)) from error

    async def begin(self, bookmark: dict[str, Any]) -> None:
        """Begin the script.

        Raises:
            CannotLaunch: its program cannot be started.
        """
        assert self._cluster is not None
        assert self._fetched is not None
        program = await asyncio.to_thread(
            self._place.give, bookmark, self._fetched, has_spark=not self._is_shell
        )
        version = self._run.definition.glue_version or ""
        command = self._run.definition.command
        application = spark.Application(
            tuple(self._words(os.fspath(program))),
            self._place.work,
            self._place.stdout,
            self._place.stderr,
            {
                FOLDER_VARIABLE: os.fspath(self._place.exchange.absolute()),
                "GLUE_VERSION": version,
                "GLUE_PYTHON_VERSION": (command and command.python_version) or "3",
                **self.settings.environment,
            },
        )
        try:
            self._process = await self._cluster.run(application)
        except spark.CannotStart as error:
            self._say(str(error))
            raise CannotLaunch(str(error)) from error

    async def ended(self) -> spark.Finished:
        assert self._process is not None
        return await self._process.wait()

    async def end(self, *, tells: bool) -> None:
        """End what runs. `tells`: and put what is left of its logs."""
        if self._process is not None:
            await self._process.end(END_GRACE_SECONDS)
        if self._cluster is not None:
            await self._cluster.stop()
        if tells:
            await self._logs.finish()
        self._logs.drop()

    async def _check_connections(self) -> None:
        listed = self._run.definition.connections
        for name in (listed and listed.connections) or ():
            async with self._needs.records.transaction() as transaction:
                if await load_connection(transaction, self._scope, name) is None:
                    raise CannotFetch(f"Connection {name} not found.")

    async def _make_event_folder(self) -> None:
        """Spark writes its events into a folder that is there."""
        if self.settings.event_logs is None:
            return
        bucket, key = script_place(self.settings.event_logs)
        body = BytesBody(b"")
        try:
            await self._needs.call_aws(
                self._call, "s3", "PutObject", Bucket=bucket, Key=key, Body=body
            )
        except ServiceError as error:
            raise CannotFetch(f"--spark-event-logs-path: {error.message}") from None

    def _event_properties(self) -> dict[str, str]:
        if self.settings.event_logs is None:
            return {}
        return {"spark.eventLog.enabled": "true", "spark.eventLog.dir": self.settings.event_logs}

    async def _fetch(self) -> Fetched:
        place, needs, call, settings = self._place, self._needs, self._call, self.settings
        command = self._run.definition.command
        location = (command and command.script_location) or ""
        await place.fetch_files(needs, call, *settings.files)
        return Fetched(
            script=await place.fetch_script(needs, call, location),
            py_files=await place.fetch_python(needs, call, *settings.py_files),
            jars=await place.fetch_jars(needs, call, *settings.jars),
            modules=await place.fetch_modules(needs, call, settings.modules),
        )

    def _order(self, credential: Credential, fetched: Fetched, runtime: spark.Spark) -> spark.Order:
        nodes = nodes_for(
            self._run.allotment,
            runtime.capacity(),
            one_node=self.settings.runtime == spark.SAIL,
        )
        return spark.Order(
            name=self._run.id,
            folder=self._place.cluster,
            access=spark.Access(
                endpoint=self._needs.endpoint(),
                region=self._scope.region,
                access_key_id=credential.access_key_id,
                secret_access_key=credential.secret_access_key,
                session_token=credential.session_token,
            ),
            with_engine=not self._is_shell,
            properties={**_ONCE, **self._event_properties(), **self.settings.properties},
            nodes=nodes,
            python_modules=fetched.modules,
            programs=(GLUE,),
            progress=self._say,
        )

    def _words(self, program: str) -> list[str]:
        run, command = self._run, self._run.definition.command
        own = {
            "--JOB_NAME": run.job_name,
            "--JOB_ID": run.job_id,
            "--JOB_RUN_ID": run.id,
            BOOKMARK_OPTION: self.settings.bookmark_option,
            "--scriptLocation": (command and command.script_location) or "",
        }
        words = words_of(own, self._arguments)
        if self._is_shell:
            return ["python3", program, *words]
        assert self._fetched is not None
        options = ["spark-submit", "--name", run.job_name]
        if self._fetched.py_files:
            options += ["--py-files", _joined(self._fetched.py_files)]
        if self._fetched.jars:
            options += ["--jars", _joined(self._fetched.jars)]
        return [*options, program, *words]

    def _say(self, text: str) -> None:
        with self._place.stderr.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def _joined(paths: tuple[Any, ...]) -> str:
    return ",".join(os.fspath(path.absolute()) for path in paths)
