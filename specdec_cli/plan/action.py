"""Finds the models and the machine, plans, and says what came of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import DrafterSpec, Need
from specdec_cli.engine.fitting import layers_to_plan
from specdec_cli.errors import Exit, NetworkError
from specdec_cli.gguf.compat import require_pair
from specdec_cli.gguf.driven_heads import drafts_beside, drafts_itself
from specdec_cli.gguf.header import Header
from specdec_cli.hub.client import Hub
from specdec_cli.hub.plan import whole_header
from specdec_cli.hub.remote import HubModel, parse
from specdec_cli.memory.choose import Layers
from specdec_cli.memory.confirm import Confirmed, confirm
from specdec_cli.memory.gpus import bandwidth
from specdec_cli.memory.machine import Machine, Store, imagined, ram, this_machine
from specdec_cli.memory.plan import PlacementRequest, Plan, Planner, default_context
from specdec_cli.memory.snapshots import with_snapshots
from specdec_cli.memory.speed import estimate
from specdec_cli.models.environment import prepare, threads_for
from specdec_cli.models.kernels import choose_kernels
from specdec_cli.models.settings import ContextSettings
from specdec_cli.options.loading import loads
from specdec_cli.options.settings import (
    context_settings,
    drafter_of,
    most_drafted,
    refuse_contradictions,
)
from specdec_cli.plan.options import PlanOptions
from specdec_cli.plan.report import write_plan
from specdec_cli.plan.results import Model, report
from specdec_cli.profiles import store
from specdec_cli.profiles.model_ref import Role, of_profile, of_word
from specdec_cli.terminal import logs
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report
from specdec_cli.terminal.safe import safe_line

_GIGA = 1e9


def plan_pair(options: PlanOptions, streams: Streams) -> int:
    """Plan, print; the exit code."""
    logs.start(level=options.output.verbose)
    refuse_contradictions(options)
    models = _models(options)
    machine = _machine(options)
    target, draft = models["target"], models.get("draft")
    planner = Planner(target.header, draft.header if draft else None, machine)
    head = drafts_beside(draft.header) if draft else drafts_itself(target.header)
    drafter = drafter_of(options, head=head)
    plan = planner.plan(_request(options, target.header, machine, drafter))
    confirmed = _confirmed(planner, plan, models, options)
    plan = confirmed.plan if confirmed else plan
    speed = estimate(plan, _bandwidths(plan, options), options.sampling.temp)
    found = report(plan, planner, models, speed, options, confirmed)
    if options.output.json:
        write_report(streams.out, found)
    else:
        write_plan(streams, found, options.output.color)
    return Exit.BACKEND if plan.verdict == "no" else Exit.OK


def _confirmed(
    planner: Planner, plan: Plan, models: Mapping[Role, Model], options: PlanOptions
) -> Confirmed | None:
    """The plan as llama.cpp lays it out; ``None`` where it cannot be asked.

    That is so for models that are not here, and for another machine than this one.
    """
    files = {role: model.ref.file for role, model in models.items()}
    if not options.own.confirm or options.own.gpu or None in files.values():
        return None
    prepare()
    from specdec_cli.models.simulate import compute_buffers

    target, draft = loads(options.hardware)
    load = {"target": target, "draft": draft}

    def simulate(role: Role, layers: int, context: ContextSettings) -> Mapping[str, int]:
        file = files[role]
        assert file
        return compute_buffers(file, replace(load[role], gpu_layers=layers), context)

    return confirm(planner, plan, simulate)


def _models(options: PlanOptions) -> dict[Role, Model]:
    """The target, and the draft unless none is used."""
    hub = Hub()
    names: dict[Role, str | None] = {"target": options.models.model}
    if registry.may_read_draft_file(options.drafting.drafter):
        names["draft"] = options.models.draft_model
    found: dict[Role, Model] = {}
    for role, name in names.items():
        if name:
            found[role] = _model(role, name, hub, options)
    draft = found.get("draft")
    require_pair(found["target"].header, draft.header if draft else None)
    return found


def _model(role: Role, name: str, hub: Hub, options: PlanOptions) -> Model:
    stored = store.load(options.profile) if options.profile else None
    source = stored.profile.in_role(role) if stored else None
    elsewhere = None if Path(name).expanduser().exists() else parse(name)
    _announce(source.model() if source else elsewhere, options)
    if stored:
        ref = of_profile(stored, role, hub, _note, accept_changed=True)
    else:
        ref = of_word(name, role, hub, _note)
    if ref.plan is None:
        return Model(ref, ref.header, 0)
    header, more = whole_header(hub, ref.plan)
    return Model(ref, header, ref.fetched + more)


def _announce(model: HubModel | None, options: PlanOptions) -> None:
    """Say that the network is about to be used.

    Raises:
        NetworkError: it must not be.
    """
    from specdec_cli.hub.cache import present

    if model is None or present(model):
        return
    if options.models.offline:
        raise NetworkError(
            f"{model} is not on this machine, and --offline forbids asking the Hub",
            "leave --offline out; only the header is read, some megabytes",
        )
    if not options.output.quiet:
        _note(f"reading the header of {model} on the Hub")


def _note(text: str) -> None:
    sys.stderr.write(f"{safe_line(text)}\n")
    sys.stderr.flush()


def _machine(options: PlanOptions) -> Machine:
    """This machine, or the one that was described."""
    memory = ram()
    if options.own.ram is not None:
        size = round(options.own.ram * _GIGA)
        memory = Store("RAM", "as given", size, size)
    if options.own.gpu:
        return imagined([round(each * _GIGA) for each in options.own.gpu], memory)
    prepare()  # before the libraries are loaded, which read it
    from specdec_cli.models.placement import require_devices

    target, draft = loads(options.hardware)
    machine = this_machine(target)
    require_devices(draft, "--device-draft")
    return replace(machine, ram=memory)


def _request(
    options: PlanOptions, target: Header, machine: Machine, drafter: DrafterSpec
) -> PlacementRequest:
    length = options.hardware.ctx_size
    n_ctx = default_context(target) if length is None else length or target.context_length
    asked = context_settings(options.hardware)
    on_gpu = bool(machine.gpus) and options.hardware.gpu_layers != 0
    kernels = choose_kernels(
        target, asked, options.hardware.kernels, exact=options.drafting.exact, on_gpu=on_gpu
    )
    laid = replace(
        kernels.laid(asked),
        n_ctx=n_ctx or default_context(target),
        rows=most_drafted(options.drafting) + 1 if drafter.drafts else 1,
        hidden=Need.HEAD in drafter.needs,
    )
    layers = Layers(*map(layers_to_plan, loads(options.hardware)))
    laid = with_snapshots(target, laid, model=bool(drafter.stepped))
    return PlacementRequest(laid, layers, fixed=length is not None)


def _bandwidths(plan: Plan, options: PlanOptions) -> Sequence[float | None]:
    """Bytes per second of each device, measured for main memory if it matters."""
    from specdec_cli.bench.bandwidth import measured

    placement = plan.choice.placement
    on_cpu = any(each and 0 in each.homes for each in (placement.target, placement.draft))
    memory = measured(threads_for(options.hardware.threads)) if on_cpu else None
    return [memory, *(bandwidth(gpu.description) for gpu in plan.machine.gpus)]
