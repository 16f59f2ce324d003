"""The command line of scripts/conformance."""

import argparse
import pathlib
import signal
import sys
import tempfile

import coordinator_checks
import device_checks
import device_learning
import device_releases
import wire
from broker import Broker, CannotStart, Program
from fleet import Fleet
from lead import Lead
from learner import Learner
from link import Link, Unreachable
from report import Report
from signing import ReleaseKey

HERE = pathlib.Path(__file__).resolve().parent
# The last check is that of what was not asked for.
DEVICE_CHECKS = [*device_checks.CHECKS, *device_learning.CHECKS[:-1], *device_releases.CHECKS, device_learning.CHECKS[-1]]


def parser():
    top = argparse.ArgumentParser(prog="scripts/conformance", description="docs/conformance.md")
    kinds = top.add_subparsers(dest="kind", required=True)
    device = kinds.add_parser("device", help="check a device; the tool is the coordinator")
    device.add_argument("--id", default="device-000", help="the device's id (default: device-000)")
    device.add_argument("--device-index", type=int, default=0, help="its place in the roster, which its samples follow from")
    device.add_argument("--experiment", help="what is learned (docs/experiment.md); default: one of the tool's own")
    device.add_argument("--data", help="folder of the data sets, if the experiment needs one")
    device.add_argument("--own-samples", action="store_true", help="its samples are its own: the bits are not compared")
    device.add_argument("--run", type=int, default=0, help="number of the run (default: the time in milliseconds)")
    device.add_argument("--quiet", type=float, default=5.5, help=argparse.SUPPRESS)
    coordinator = kinds.add_parser("coordinator", help="check a coordinator; the tool is its fleet")
    for one in (device, coordinator):
        one.add_argument("--fleet", default="demo", help="the fleet's name (default: demo)")
        one.add_argument("--start", metavar="COMMAND", help="starts what is checked; gets CONFORMANCE_... variables")
        one.add_argument("--only", nargs="+", default=[], metavar="CHECK", help="make these checks only")
        one.add_argument("--list", action="store_true", help="print the checks and end")
        one.add_argument("--json", metavar="FILE", help="write the results there too")
        one.add_argument("--wait", type=float, default=120, help="seconds for the first sign of life (default: 120)")
        one.add_argument("--patience", type=float, default=30, help="seconds for an answer (default: 30)")
        one.add_argument("--listen", default="127.0.0.1", help="address of the tool's own broker (default: 127.0.0.1)")
        one.add_argument("--port", type=int, default=0, help="port of the broker; of its own, default: a free one")
        one.add_argument("--pki", help="folder of keys and certificates (scripts/make-pki); default: made for the check")
        one.add_argument("--host", help="a broker that runs already")
        one.add_argument("--cafile", help="with --host: its authority")
        one.add_argument("--cert", help="with --host: the coordinator's certificate")
        one.add_argument("--key", help="with --host: its key")
        one.add_argument("--master-key", help="with --host: file with the fleet's master key")
    return top


def check_options(top, options):
    given = [name for name in ("cafile", "cert", "key", "master_key") if getattr(options, name)]
    if options.host and options.pki:
        folder = pathlib.Path(options.pki)
        for name, file in (("cafile", "ca.pem"), ("cert", "coordinator/cert.pem"), ("key", "coordinator/key.pem"),
                           ("master_key", "master.key")):
            if not getattr(options, name):
                setattr(options, name, str(folder / file))
    elif options.host and len(given) < 4:
        top.error("--host needs --pki, or --cafile, --cert, --key and --master-key")
    elif given and not options.host:
        top.error(f"--{given[0].replace('_', '-')} needs --host")
    if options.host and not options.port:
        options.port = 8883
    if options.kind == "coordinator" and options.host:
        top.error("a coordinator is checked with the tool's own broker: its devices need certificates")
    known = {check.name for check in checks_of(options)}
    for name in options.only:
        if name not in known:
            top.error(f"--only: no check '{name}'; --list prints them")


def checks_of(options):
    return DEVICE_CHECKS if options.kind == "device" else coordinator_checks.CHECKS


def environment(options, broker, experiment, work):
    """What the command of --start gets."""
    values = {"EXPERIMENT": experiment, "HOST": "127.0.0.1", "PORT": broker.port if broker else options.port,
              "PKI": broker.pki if broker else options.pki or "", "FLEET": options.fleet,
              "WORK": work, "ID": getattr(options, "id", ""), "INDEX": getattr(options, "device_index", "")}
    return {f"CONFORMANCE_{name}": str(value) for name, value in values.items()}


def say_where(report, options, broker):
    if options.start:
        return
    report.say(f"broker: {options.listen}:{broker.port}, fleet {options.fleet}, keys and certificates in {broker.pki}")


def check_device(options, work, report, open_things):
    experiment = options.experiment or HERE / "device.toml"
    learner, broker = Learner(experiment, options.data), None
    if options.host:
        place, tls = (options.host, options.port), (options.cafile, options.cert, options.key)
        master = pathlib.Path(options.master_key)
        key = ReleaseKey(options.pki or master.parent)
        release_key = key if key.private.exists() else None
    else:
        broker = Broker(work, options.fleet, 1, address=options.listen, port=options.port, pki=options.pki)
        open_things.append(broker)
        place, tls, master = ("127.0.0.1", broker.own_port), broker.tls(), broker.pki / "master.key"
        release_key = ReleaseKey(broker.pki)
        release_key.make()                                              # before the device reads who signs
        say_where(report, options, broker)
    key = wire.device_key(bytes.fromhex(master.read_text().strip()), options.fleet, options.id)
    topics = [f"{wire.root(options.fleet)}dev/{options.id}/{name}" for name in ("state", "update")]
    link = Link(*place, tls, "coordinator", topics).open()
    open_things.append(link)
    lead = Lead(link, options.fleet, options.id, key, learner, report, options)
    lead.broker = broker
    lead.release_key = release_key
    open_things.append(lead)
    if options.start:
        log = pathlib.Path(work) / "device.log"
        lead.program = Program(options.start, environment(options, broker, experiment, work), log)
        open_things.append(lead.program)
    report.run(DEVICE_CHECKS, lead, options.only)


def check_coordinator(options, work, report, open_things):
    experiment = HERE / "fleet.toml"
    learner = Learner(experiment)
    broker = Broker(work, options.fleet, learner.experiment["fleet"]["devices"] + 1, address=options.listen,
                    port=options.port, pki=options.pki)
    open_things.append(broker)
    say_where(report, options, broker)
    fleet = Fleet(broker, learner, report, options)
    open_things.append(fleet)
    if options.start:
        log = pathlib.Path(work) / "coordinator.log"
        fleet.program = Program(options.start, environment(options, broker, experiment, work), log)
        open_things.append(fleet.program)
    report.run(coordinator_checks.CHECKS, fleet, options.only)


def interrupt(*_):
    raise KeyboardInterrupt


def show_log(work, report, kind):
    log = pathlib.Path(work) / f"{kind}.log"
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    for line in lines if report.count("FAIL") else []:
        report.say(f"{kind}: {line}")


def main():
    top = parser()
    options = top.parse_args()
    check_options(top, options)
    if options.list:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)                   # as for every list that is read by head
        for check in checks_of(options):
            print(f"{check.name:<28} {check.section:<18} \"{' '.join(check.quote.split())}\"")
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    report, open_things = Report(options.kind), []
    with tempfile.TemporaryDirectory(prefix="skink-conformance-") as work:
        try:
            check = check_device if options.kind == "device" else check_coordinator
            check(options, work, report, open_things)
            show_log(work, report, options.kind)
        except (CannotStart, Unreachable, OSError, ValueError) as error:
            print(f"conformance: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("conformance: stopped", file=sys.stderr)
            return 130
        finally:
            for thing in reversed(open_things):
                thing.close()
    return report.end(options.json)


if __name__ == "__main__":
    sys.exit(main())
