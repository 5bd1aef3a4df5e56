#include "seams/workers_contract.h"
