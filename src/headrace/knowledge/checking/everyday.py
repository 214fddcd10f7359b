"""Words of English that are no names when a sentence begins with them."""

from __future__ import annotations

from typing import Final

_WORDS: Final = """
    a about above according accordingly across actually added additionally after afterwards again against ago all almost along
    already also although always am among an and another answer answers any anybody anyone anything anyway anywhere apart apparently
    are around as aside ask at away back based basically be because become been before begin behind being below besides best better
    between beyond both briefly but by call can can't cannot certain certainly check choose clearly click come consequently consider
    contact context contrary could couldn't create currently date day days depending despite did didn't different do document
    documents does doesn't doing don't done down due during each early easy either else employees enough ensure enter especially
    essentially etc even eventually ever every everybody everyone everything everywhere exactly example except few finally find
    first firstly follow following for former fortunately from full fully further furthermore generally get give given go good great
    had has have haven't having he he'd he'll he's hello help hence her here here's hers herself hi high him himself his
    historically how however i i'd i'll i'm i've if immediately important importantly in include including indeed information
    initially instead interestingly into is isn't it it's its itself just keep key know last lastly late later least less let let's
    like likewise list listed little long look made mainly make many maybe me meanwhile mentioned method methods might mine more
    moreover most mostly much must my myself namely near nearly necessary need needs neither never nevertheless new next no nobody
    none nonetheless nor not notably note nothing now nowadays nowhere obviously of off often oh ok okay old on once one ones only
    onto open option options or ordinarily originally other others otherwise ought our ours ourselves out over overall own part
    particularly passage passages past pay people per perhaps place please possibly potentially presumably previously primarily
    prior probably provide provided provides put question questions quite rather read really recent recently refer regarding
    regardless regularly relatively remember right roughly said same say says second secondly see seems select send sentence set
    several shall she she's should shouldn't show similar similarly simply since so some somebody someone something sometimes
    somewhere sorry source sources specifically start starting stated step steps still stop subsequently such summary sure take tell
    text than thank thanks that that's the their theirs them themselves then there there's thereafter therefore these they they'll
    they're they've thing things think this those though through throughout thus time times to today together tomorrow too total
    toward towards traditionally try turn two typically ultimately under underneath unfortunately unless unlike until up upon us use
    used users using usually various very via visit wait want was wasn't way ways we we'd we'll we're we've well were weren't what
    what's whatever when whenever where whereas wherever whether which whichever while who whoever whole whom whose why will with
    within without won't work would wouldn't write yes yesterday yet you you'd you'll you're you've your yours yourself yourselves
    """
EVERYDAY: Final = frozenset(_WORDS.split())
