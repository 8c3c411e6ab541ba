/* Routes: two sources that begin and end their feeds, what is decided of that in the lock of the stream's sources, and what comes of
 * it in the stream, in whatever order those who decided come to it. Both feeds write one receiver; the first source comes first.
 */
bool fed[3];                /* the lock of the sources: SourceSession.Feed; version of the newest decision */
byte version;

bool live[3];               /* the push lock: the stream's live feeds, which of them passes, version of the routes, the newest packet */
byte passes, routed, time;
bool ended[3], failed;
byte done;

inline evaluate() { version++; mine = version; owner = (fed[1] -> 1 : (fed[2] -> 2 : 0)) }          /* RoutesLocked */

inline apply() {            /* MediaStream.Route */
  atomic {
#ifdef BUG_VERSION
    if :: true ->
#else
    if :: mine > routed ->
#endif
          routed = mine;
          if :: owner > 0 && live[owner] -> passes = owner :: else -> passes = 0 fi
       :: else fi
  }
}

inline write(f) {           /* MediaStream.Write */
  atomic {
#ifdef BUG_WRITE
    may = passes == f
  };
  atomic {
    if :: may ->            /* asked before the push lock is taken */
#else
    if :: live[f] && passes == f ->
#endif
          assert(!ended[f] && passes == f); time++
       :: else fi
  }
}

proctype Source(byte f; bool ends) {
  byte mine, owner; bool may;
  atomic { live[f] = true };                                   /* GoLive */
  atomic { fed[f] = true; evaluate() };                        /* TryBegin */
  apply();
  write(f);
  if
  :: ends ->                                                   /* EndFeed, beside the next write */
     atomic { live[f] = false; if :: passes == f -> passes = 0 :: else fi };
     ended[f] = true;
     atomic { fed[f] = false; evaluate() };                    /* NoteEnd */
     apply()
  :: ends
  :: !ends
  fi;
  done++
}

proctype Writer(byte f) { bool may; write(f); write(f); done++ }

proctype Evaluator() {      /* a lease comes or goes: routes are decided anew */
  byte mine, owner;
  atomic { evaluate() };
  apply();
  done++
}

init {
  atomic { run Source(1, true); run Source(2, true); run Writer(1); run Writer(2); run Evaluator() }
  done == 5;
  assert(passes == (fed[1] -> 1 : (fed[2] -> 2 : 0)))          /* what was decided last is in force */
}
