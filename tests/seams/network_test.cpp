#include "seams/network_contract.h"
