/* The fan-out below one receiver: a publisher; two senders that are attached below a shared converter by their own threads and
 * closed by others; and whoever closes the receiver. All race. README.md says which step is which line of code, how to run it,
 * and what each -DBUG_... breaks.
 *
 * A section under one lock that waits nowhere is one atomic step: sound, since all that it touches is touched only under that lock.
 * What the code reads without a lock is a step of its own.
 */
#ifdef CLOSER               /* all three ways at once are too many states: the receiver closes, or the second sender comes and goes */
#define K 2                 /* packets, all of one group */
#else
#define K 1                 /* one is enough for "by the cursor", "live", "both" and "neither" */
#endif
#define X 3                 /* converters that can exist at once; an assertion says if more are needed */
#define NONE 255
#define ROOT 254            /* "the receiver", as a parent */

bool rclosed;               /* receiver: closed flag, children (converters), packets in its group cache */
bool rkid[X];
byte rcount;

bool made[X], xclosed[X];   /* converters: in use, closed, parent, children (senders), packets in the cache of the output */
byte xparent[X] = NONE, xcount[X];
bool xkid[6];               /* xkid[2*x + s] */

bool sclosed[2];            /* senders: closed flag of the node; parent */
byte sparent[2] = NONE;
bool sgone[2];              /* under the gate: removed from the queue */
byte sfrom[2];              /* packets below this number come by the cursor */
byte sgot[2];               /* bit p: packet p came live */
bool sended[2];             /* Close has returned */
bool sfed[2];               /* TryAttach returned true */

byte refs[K];               /* references to each packet, the publisher's and the queues' */
byte done;

inline take(p)    { assert(refs[p] > 0); refs[p]++ }
inline release(p) { assert(refs[p] > 0); refs[p]-- }

/* ---- Node.Remove, CloseIfUnused, FinishClose of a converter ---- */

inline leave_root(x) {       /* Interlocked.Exchange(ref _parent, null)?.Remove(this): the receiver never closes by being empty */
  atomic { up = xparent[x]; xparent[x] = NONE };
  if :: up == ROOT -> atomic { rkid[x] = false } :: else fi
}

inline close_if_unused(x) {
  atomic { unused = !xclosed[x] && !xkid[2*x] && !xkid[2*x+1]; if :: unused -> xclosed[x] = true :: else fi };
  if :: unused -> leave_root(x) :: else fi
}

inline remove_from(x, s) {
#ifdef BUG_EMPTY
  atomic { unused = xkid[2*x + s]; xkid[2*x + s] = false; unused = unused && !xclosed[x] && !xkid[2*x] && !xkid[2*x+1] };
  if :: unused -> atomic { xclosed[x] = true }; leave_root(x) :: else fi         /* closed in another section than it was found empty */
#else
  atomic { unused = xkid[2*x + s]; xkid[2*x + s] = false;
           unused = unused && !xclosed[x] && !xkid[2*x] && !xkid[2*x+1];
           if :: unused -> xclosed[x] = true :: else fi };
  if :: unused -> leave_root(x) :: else fi
#endif
}

/* ---- Sender.Close: PacketQueue.Remove, then Node.Close ---- */

inline close_sender(s) {
  atomic {                                             /* the gate: what waits is dropped */
    if :: !sgone[s] -> sgone[s] = true;
          if :: sgot[s] & 1 -> release(0) :: else fi;
#ifdef CLOSER
          if :: sgot[s] & 2 -> release(1) :: else fi
#endif
       :: else fi };
#ifdef BUG_ORDER
  atomic { was = sparent[s]; sparent[s] = NONE };      /* the parent taken before the flag is set */
  atomic { first = !sclosed[s]; sclosed[s] = true };
  if :: was < X -> remove_from(was, s) :: else fi
#else
  atomic { first = !sclosed[s]; sclosed[s] = true };
  if :: first -> atomic { was = sparent[s]; sparent[s] = NONE };
                 if :: was < X -> remove_from(was, s) :: else fi
     :: else fi
#endif
}

/* ---- Node.FanOut of a converter, PacketQueue.Offer ---- */

inline offer(s, p) {
#ifdef BUG_GATE
  gone = sgone[s];                                     /* tested before the gate */
  atomic { if :: gone -> skip
#else
  atomic { if :: sgone[s] -> skip
#endif
              :: else -> assert(!sended[s]);           /* C1: nothing after the detach */
                         assert(!(sgot[s] & (1 << p)));
                         take(p); sgot[s] = sgot[s] | (1 << p) fi }
}

inline accept(x, p) {
  if
  :: xclosed[x] -> skip
  :: else ->
     atomic { kid0 = false; kid1 = false;
              if :: !xclosed[x] -> xcount[x]++; kid0 = xkid[2*x]; kid1 = xkid[2*x+1] :: else fi };
     if :: kid0 -> offer(0, p) :: else fi;
     if :: kid1 -> offer(1, p) :: else fi
  fi
}

proctype Publisher() {
  byte p; bool conv[X], kid0, kid1, gone;
  do
  :: p < K ->
     atomic { refs[p] = 1; conv[0] = false; conv[1] = false; conv[2] = false;
              if :: !rclosed -> rcount++; conv[0] = rkid[0]; conv[1] = rkid[1]; conv[2] = rkid[2] :: else fi };
     if :: conv[0] -> accept(0, p) :: else fi;
#ifdef BUG_LATE
     atomic { release(p) };                            /* its own reference given back before the fan-out has ended */
#endif
     if :: conv[1] -> accept(1, p) :: else fi;
     if :: conv[2] -> accept(2, p) :: else fi;
#ifndef BUG_LATE
     atomic { release(p) };
#endif
     p++
  :: p == K -> break
  od;
  done++
}

/* ---- Node.TryAttach(child, format, create) ---- */

inline find(result) {                                  /* FindConverter: what it finds may be closing or gone when it is used */
  atomic {
    if
    :: rkid[0] && !xclosed[0] -> result = 0
    :: else -> if
       :: rkid[1] && !xclosed[1] -> result = 1
       :: else -> if :: rkid[2] && !xclosed[2] -> result = 2 :: else -> result = NONE fi
       fi
    fi
  }
}

inline publish(result) {                               /* PublishConverter */
  atomic {
    if :: !made[0] -> new = 0 :: else -> if :: !made[1] -> new = 1 :: else -> assert(!made[2]); new = 2 fi fi;
    made[new] = true; xclosed[new] = false; xcount[new] = 0; xparent[new] = ROOT; filled = NONE; result = NONE; gave_up = false
  };
  do
  :: result == NONE && !gave_up ->
     atomic {
       if
       :: rclosed -> gave_up = true
       :: else ->
          if
          :: rkid[0] && !xclosed[0] -> result = 0
          :: else -> if
             :: rkid[1] && !xclosed[1] -> result = 1
             :: else -> if
                :: rkid[2] && !xclosed[2] -> result = 2
                :: else ->
#ifdef BUG_FILL
                   if :: filled != NONE || rcount == 0 -> rkid[new] = true; result = new    /* published without a last look */
#else
                   if :: filled == rcount || (filled == NONE && rcount == 0) -> rkid[new] = true; result = new
#endif
                      :: else -> upto = rcount
                   fi
                fi
             fi
          fi
       fi
     };
     if :: result == NONE && !gave_up -> filled = upto; xcount[new] = filled :: else fi      /* Fill, outside of the lock */
  :: else -> break
  od;
  if
  :: result != new -> atomic { xparent[new] = NONE; xclosed[new] = true; made[new] = false }     /* nobody has seen it */
  :: else
  fi
}

proctype Attacher(byte s; bool leaves) {
  byte x, new, filled, upto, up, was; bool first, gave_up, unused, claimed, ok, test;
  do
  :: rclosed || sclosed[s] || sparent[s] != NONE -> break
  :: else ->
     find(x);
     if :: x == NONE -> publish(x) :: else fi;
     if :: x == NONE -> break :: else fi;
     /* Node.TryAttach(child): claim; the flag is read without a lock */
     test = sclosed[s];
     atomic { claimed = !test && sparent[s] == NONE; test = false; if :: claimed -> sparent[s] = x :: else fi };
     ok = false;
     if
     :: claimed ->
        /* publish */
#if defined(BUG_ADD)
        ok = !xclosed[x] && !sclosed[s];               /* tested outside of the lock */
        atomic { if :: ok -> xkid[2*x + s] = true; upto = xcount[x] :: else fi };
#elif defined(BUG_CHILD)
        atomic { ok = !xclosed[x]; if :: ok -> xkid[2*x + s] = true; upto = xcount[x] :: else fi };   /* the child's flag not tested */
#elif defined(BUG_CURSOR)
        atomic { ok = !xclosed[x] && !sclosed[s]; if :: ok -> xkid[2*x + s] = true :: else fi };
        atomic { upto = xcount[x] };                   /* the cursor opened in another section */
#else
        atomic { ok = !xclosed[x] && !sclosed[s]; if :: ok -> xkid[2*x + s] = true; upto = xcount[x] :: else fi };
#endif
        if :: !ok -> atomic { if :: sparent[s] == x -> sparent[s] = NONE :: else fi } :: else fi       /* Unclaim */
     :: else
     fi;
     if
     :: ok -> atomic { sfrom[s] = upto; sfed[s] = true; break }                                        /* OnAttached, under the gate */
     :: else -> close_if_unused(x)
     fi;
     atomic { x = 0; new = 0; filled = 0; upto = 0; up = 0; unused = false; claimed = false; gave_up = false }
  od;
  if :: leaves -> close_sender(s); sended[s] = true :: leaves -> skip :: !leaves -> skip fi;
  atomic { was = 0; up = 0; first = false; unused = false; done++ }
}

proctype Leaver(byte s) {    /* closes the sender whenever it likes, also before it is attached; or never */
  byte was, up; bool first, unused;
  if :: close_sender(s); sended[s] = true :: skip fi;
  atomic { was = 0; up = 0; first = false; unused = false; done++ }
}

proctype Closer() {          /* closes the receiver, or not: Node.Close from above */
  bool conv[X], kid0, kid1, first, unused; byte was, up, x;
  if
  :: atomic { rclosed = true; conv[0] = rkid[0]; conv[1] = rkid[1]; conv[2] = rkid[2]; rkid[0] = false; rkid[1] = false; rkid[2] = false };
     x = 0;
     do
     :: x < X ->
        if
        :: conv[x] ->
           atomic { kid0 = false; kid1 = false; first = !xclosed[x]; xclosed[x] = true;
                    if :: first -> kid0 = xkid[2*x]; kid1 = xkid[2*x+1]; xkid[2*x] = false; xkid[2*x+1] = false :: else fi };
           if
           :: first -> if :: kid0 -> close_sender(0) :: else fi;
                       if :: kid1 -> close_sender(1) :: else fi;
                       leave_root(x)
           :: else
           fi
        :: else
        fi;
        x++
     :: else -> break
     od
  :: skip
  fi;
  done++
}

inline check(s) {
  assert(!sclosed[s] || (!xkid[s] && !xkid[2+s] && !xkid[4+s] && sparent[s] == NONE));      /* C3, G2: no ghost child, no parent */
  assert(xkid[s] + xkid[2+s] + xkid[4+s] <= 1);                                            /* one parent */
  if
  :: sfed[s] && !sclosed[s] ->                                                             /* attached and not closed: it is fed */
     assert(sparent[s] < X && xkid[2*sparent[s] + s] && !xclosed[sparent[s]] && rkid[sparent[s]] && !rclosed);
     p = 0;
     do :: p < K -> assert((p < sfrom[s]) != ((sgot[s] >> p) & 1)); p++ :: else -> break od   /* replay, then live: no gap, none twice */
  :: else
  fi
}

init {
  byte p;
#ifdef CLOSER
  atomic { run Publisher(); run Attacher(0, false); run Leaver(0); run Closer() }
#else
  atomic { run Publisher(); run Attacher(0, false); run Leaver(0); run Attacher(1, true) }
#endif
  done == 4;                 /* all of them end: the model has no fair choice to make, so a wait for ever is an invalid end state */
  atomic {
    check(0); check(1);
    p = 0;
    do
    :: p < X -> assert(!(rkid[p] && (xclosed[p] || rclosed)));                             /* no closed node in a list */
                assert(!rkid[p] || xkid[2*p] || xkid[2*p+1]);                              /* an unused converter is closed */
                p++
    :: else -> break
    od;
    p = 0;
    do                                                                                     /* G6: only queues that are open hold packets */
    :: p < K -> assert(refs[p] == (!sgone[0] && ((sgot[0] >> p) & 1)) + (!sgone[1] && ((sgot[1] >> p) & 1))); p++
    :: else -> break
    od
  }
}
