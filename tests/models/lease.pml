/* A stream with one source: two who take leases and let them go, the source's one task, its sessions, the clock that ends the
 * lingering, and whoever removes the stream. All race. README.md says which step is which line of code, how to run it, and what
 * each -DBUG_... breaks. A section under one lock is one atomic step, as in graph.pml.
 */
#define N 6                 /* sessions at most, from 1; an assertion says if more are needed */
#define FAILURES 1          /* sessions that end by themselves, at most */

/* the lock of the stream's sources */
byte wants;                 /* leases */
byte released, expired;     /* how often the last lease went; for which of these the lingering is over */
bool closed;                /* the stream was removed */
bool ask;                   /* AskLocked */
byte session;               /* SessionLocked; 0 for none */
byte fed;                   /* its Feed; 0 for none */
bool over[N];               /* SourceSession.IsOver */
bool undecided[2], told[2]; /* leases; the answer has come */
byte start[2], failures;

bool unwanted;              /* for an assertion: since the task took its signal there was a time when nobody wanted the source */
bool signal;                /* whether the runner's Signal is set; signal.pml has its steps */

/* the stream's locks: which feeds are live */
bool live[N], streamClosed;
bool ended[N];              /* Feed.Close has returned */

/* the session's run */
byte go, open, last;        /* to be started; running; sessions so far */
bool cancelled[N], returned[N];
bool finished, removed;     /* the runner's task; the remover */
byte users;

#ifdef BUG_DECIDE
#define DECIDED(u) fed > 0 || failures > start[u]                /* removing tells nobody */
#else
#define DECIDED(u) closed || fed > 0 || failures > start[u]
#endif

inline evaluate() {         /* EvaluateLocked; inside of an atomic step */
  news = ask != (!closed && (wants > 0 || expired < released));
  ask = !closed && (wants > 0 || expired < released); unwanted = unwanted || !ask;
  dec0 = undecided[0] && (DECIDED(0)); undecided[0] = undecided[0] && !dec0;
  dec1 = undecided[1] && (DECIDED(1)); undecided[1] = undecided[1] && !dec1
}
inline apply() {            /* Apply: outside of the lock. Routes are route.pml's affair; without anything else it is no step */
  if
  :: news || dec0 || dec1 ->
     atomic { signal = signal || news; told[0] = told[0] || dec0; told[1] = told[1] || dec1; news = false; dec0 = false; dec1 = false }
  :: else
  fi
}

inline end_feed(f) {        /* MediaStream.EndFeed */
  atomic { live[f] = false; ended[f] = true };                                   /* FinishFeed, under the push lock */
  atomic { if :: fed == f -> fed = 0; evaluate() :: else fi };                   /* NoteEnd */
  apply()
}

inline take() { atomic { signal = false; unwanted = false } }

inline look() {
  atomic { evaluate(); wanted = ask; isRemoved = closed; deadline = (!closed && wants == 0 && expired < released -> released : 0) };
  apply()
}

inline wait() {             /* for the signal, or for the deadline that the plan had */
  if
  :: atomic { signal -> deadline = 0; wanted = false }
  :: atomic { deadline > 0 && expired >= deadline -> deadline = 0; wanted = false; timed = true }
  fi
}

#define LOCALS bool news, dec0, dec1

proctype User(byte u; byte rounds) {
  LOCALS;
  bool refused;
  do
  :: rounds == 0 -> break
  :: else ->
     rounds--;
     atomic {               /* Lease */
       told[u] = false;
       if :: closed -> refused = true
          :: else -> wants++; undecided[u] = true; start[u] = failures; evaluate()
#ifdef BUG_WAKE
             ; news = false
#endif
       fi
     };
     if
     :: refused -> break
     :: else ->
        apply();
        if :: told[u] :: skip fi;             /* waits for the answer, or not */
        if
        :: rounds == 0 -> break               /* keeps it */
        :: true ->
           atomic {         /* Release */
             wants--; undecided[u] = false;
             if :: wants == 0 -> released++ :: else fi;
#ifndef BUG_RELEASE
             evaluate();
#ifndef BUG_DEADLINE
             news = news || wants == 0        /* the task has a deadline now */
#endif
#endif
           };
           apply()
        fi
     fi
  od;
  users++
}

proctype Clock() {
end:
  do :: expired < released -> expired++ od
}

proctype Runner() {         /* SourceRunner.RunAsync */
  LOCALS;
  byte deadline, mySession, f; bool wanted, isRemoved, stop, timed;
  do
  :: true ->
#ifdef BUG_LOST
     look(); take();        /* the signal taken after the look */
#else
     take(); look();
#endif
     if
     :: isRemoved -> break
     :: !isRemoved && !wanted -> end1: wait()
#ifndef BUG_TWO
     :: !isRemoved && wanted && mySession > 0 && !returned[mySession] -> end2: wait()      /* Stuck */
#endif
     :: else ->
        atomic {            /* RunSessionAsync, Begin: decides nothing */
          last++; assert(last < N); mySession = last; session = last; go = last; timed = false; stop = false;
          open++; assert(open == 1)           /* never two sessions of one source */
        };
        do
        :: true ->
           take();
           if :: returned[mySession] -> break :: else fi;
#ifdef BUG_LINGER
           if :: timed -> stop = true; break :: else fi;       /* the deadline has passed, so nobody can want it */
#endif
           look();
           if :: isRemoved || !wanted -> stop = true; break :: else fi;
           end3: wait()
        od;
        if
        :: stop ->          /* StopAsync */
           assert(unwanted);
           atomic { over[mySession] = true; f = fed };
           if :: f > 0 -> end_feed(f) :: else fi;
           cancelled[mySession] = true;
           if :: returned[mySession] :: true fi                /* or it is left behind after some time */
        :: else
        fi;
        atomic {            /* End */
          over[mySession] = true; f = fed; fed = 0; session = 0;
          if :: !stop -> failures++ :: else fi;
          evaluate()
        };
        apply();
        if :: f > 0 -> end_feed(f) :: else fi;
        atomic { f = 0; timed = false; stop = false }
     fi
  od;
  finished = true
}

proctype Source() {         /* ISource.RunAsync, and what it calls: SourceSession.Publish, FeedTrack.Write */
  LOCALS;
  byte me; bool failed;
end5:
  do
  :: atomic { go > 0 -> me = go; go = 0 };
     failed = false;
     if
     :: failures < FAILURES -> failed = true                   /* does not connect */
     :: cancelled[me] -> skip
     :: true ->             /* TryStartFeed, GoLive */
        atomic { if :: streamClosed -> failed = true :: else -> live[me] = true fi };
        if
        :: failed
        :: else ->
           atomic {                                                                                /* TryBegin */
#ifdef BUG_OVER
             fed = me; evaluate()
#else
             if :: !over[me] -> fed = me; evaluate() :: else -> failed = true fi
#endif
           };
           if
           :: !failed -> apply()
           :: else -> end_feed(me)
           fi
        fi
     fi;
end4:
     if
     :: failed && !cancelled[me] && !streamClosed
     :: failures < FAILURES && !failed                         /* breaks later */
     :: cancelled[me]
     fi;
     atomic { open--; returned[me] = true; me = 0 };
#ifndef BUG_WORK
     signal = true
#endif
  :: finished && go == 0 -> break
  od
}

proctype Remover() {        /* RemoveStreamAsync, or not */
  LOCALS;
  byte f;
  if
  :: skip
  :: atomic { closed = true; evaluate(); news = true };        /* StreamSources.Close: signals all */
     apply();
     streamClosed = true;                                      /* MediaStream.Close */
     f = 1;
     do
     :: f < N -> if :: live[f] -> end_feed(f) :: else fi; f++
     :: else -> break
     od;
     finished                                                  /* the runners' Completion */
  fi;
  removed = true
}

init {
  byte f;
#ifdef REMOVER              /* all at once are too many states: the stream is removed, or there is a second user */
  atomic { run User(0, 1); run Clock(); run Runner(); run Source(); run Remover() }
  users++;
#else
  atomic { run User(0, 1); run User(1, 1); run Clock(); run Runner(); run Source() }
  removed = true;
#endif
  timeout;                  /* nobody can do anything any more */
  atomic {
    assert(users == 2 && removed);                             /* nobody waits for ever */
    assert(!undecided[0] && !undecided[1]);
    assert(open == (!closed && wants > 0));                    /* the source runs if and only if it is leased */
    assert(closed == finished);
    assert(expired == released);
    f = 1;
    do
    :: f < N -> assert(live[f] == (open && f == last));        /* no feed outlives its session */
                assert(!(live[f] && ended[f])); f++
    :: else -> break
    od
  }
}
