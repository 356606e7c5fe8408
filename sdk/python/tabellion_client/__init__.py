"""Records what an application does in a Tabellion log, so that nothing can be left out unseen. Standard library only, but for signatures under heartbeats.

    from tabellion_client import Recorder

    with Recorder("https://notary.example.com", key, spool="/var/lib/app/spool") as log:
        log.record("loan.decided", {"decision": "declined", "score": 612})

Every event gets a number and is on disk before `record` returns; a thread sends it. A number that never arrives is named in the log, whatever happened to
the event: docs/completeness.md says what that proves and what it does not.
"""

from .batching import Batching
from .commitment import commit
from .recorder import Recorder, SetAside, Status, Ticket
from .spool import SpoolBusy, SpoolFull

__all__ = ["Batching", "Recorder", "SetAside", "SpoolBusy", "SpoolFull", "Status", "Ticket", "commit"]
