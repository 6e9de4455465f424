"""The loop of a run: sources push in, steps compute, sinks write, checkpoints make it last.

    loop = Loop(plan, compute, folder, tell, sources=…, sinks=…, lookups=…, restore=Restore.LATEST)
    await loop.open()                  # restored, sources and sinks are open; raises CannotStart
    task = asyncio.create_task(loop.run())        # -> Finished, however it ends; never raises
    await loop.snapshot("before-update")          # -> Snapshot; raises SnapshotFailed
    loop.stop(drain=True)                         # run() answers soon after
    loop.step_began_s                  # time.monotonic() of the step that runs now, None: none does

`tell` gets `Measured` once a second, `Checkpointed`, `Logged`. `sources`, `sinks` and `lookups` are
those of connectors/interface.py by the ids of the plan's nodes.
"""
