#include "seams/clock_contract.h"
