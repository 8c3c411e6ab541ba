/* Signal: two who change what is wanted and then set the signal, and the one task that takes the signal, looks, and waits for it.
 * Set reads the completion source and then completes it: two steps, between which the task may have taken another.
 */
#define T 6                 /* completion sources at most; an assertion says if more are needed */

byte wish, seen, current;
bool set[T];
byte done;

proctype Changer() {
  byte at;
#ifdef BUG_BEFORE
  at = current; set[at] = true;        /* set before the change is made */
  wish++;
#else
  wish++;
  at = current; set[at] = true;
#endif
  done++
}

proctype Task() {
  byte token;
  do
  :: true ->
#ifdef BUG_LOST
     seen = wish;                      /* the look before the signal is taken */
     atomic { if :: set[current] -> current++; assert(current < T) :: else fi; token = current };
#else
     if :: set[current] -> current++; assert(current < T) :: else fi;
     token = current;
     seen = wish;
#endif
     end: set[token]
  od
}

init {
  atomic { run Changer(); run Changer(); run Task() }
  timeout;
  assert(done == 2 && seen == wish)    /* the task has seen the last change */
}
