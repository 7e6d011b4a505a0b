"""Words that a name may be, and words that are none."""

# also verbs, months, colours, trades: replaced only as the name was written
ORDINARY = frozenset(
    """amber angel april art august autumn baker bank banks baron bay bell berry best bill bishop
    black blue bob booker booth bridge brook brooks brown bud burns bush butler cage card carpenter
    carter case cash chance chase cherry chip christian church clay cliff cole cook cooper crystal
    curry daisy dale dawn day dean drew duke earl east eve faith field fields fisher flower ford
    forest foster fox frank friend frost gale gene glass gold good grace grant gray green grey guy
    hall hand harry hazel heath hill holiday holly hope house hunt hunter iris ivy jack jade jay
    jean jewel joy july june justice king knight lake lance land lane law lee lily little long lord
    love mark marks marsh mason may mercy miles mill miller moon moody moore new nick noble north
    novel olive page park parker parks patience pearl penny pepper perry pierce pilot plant pool
    poole pope porter potter powers price prince queen rain ray read reed reid rich ring rivers rob
    robin rock rose rowan ruby rush sage sandy savage sharp shepherd short silver sky small snow
    south spring star steel stern stone storm street strong sue summer summers swan sweet taylor
    temple terry tiger tower town tracy trip troy turner victor violet wade walker wall ward
    waters way weaver webb week weeks wells west white will wise wolf wood woods world worth wright
    young""".split()
)
# never part of a name that is looked for elsewhere
NEVER = frozenset(
    """account admin agent bin dal das del den der des dos ibn las los van vom von zum zur
     all and anonymous any api app assistant bot client company corp customer
    default demo dr for from guest gmbh group inc jr llc ltd madam member miss mr mrs ms name na
    nil none not null other owner person prof shop sir sr staff store support system team test the
    this true false undefined unknown unnamed user value with xxx you your""".split()
)
