// rebuild_event(thread, event): the seats of an event from MySQL into Redis. What does it is a use
// case, so that a route may call it as well.
#pragma once

#include "target/service/seat_rebuild.hpp"
