package alitags

import (
	"strings"
)

// service is an API that tells tags.
type service int

const (
	tagAPI service = iota // the Tag service, by ARN
	ecsAPI
	slbAPI
)

// kind is one line of [kinds]: how to ask about resources of a type.
type kind struct {
	// Type is a type of ActionTrail, ACS::<product>::<type>; with * for the type,
	// all those of the product that have no line of their own.
	Type string
	API  service
	// Name is what the product's own API calls the type (ResourceType), in small
	// letters, where that is not the type itself.
	Name string
	// Central is the region that is asked where the service is the same in all.
	Central string
}

// central is where services without regions are asked (RegionId is required).
const central = "cn-hangzhou"

// kinds is the table of resource types, and the one place to add to. ECS and SLB
// are asked by id, under the names of their ListTagResources (ResourceType);
// everything else by an ARN made of the product and the type, in small letters:
// "You can set ProductCode and ResourceType in ResourceARN to values defined in
// Resource Group, ActionTrail, or Resource Center"
// (alibabacloud.com/help/doc-detail/164374.htm). A product that is not here is
// not supported. What the Tag service itself refuses shows when it is asked.
var kinds = []kind{
	{Type: "ACS::ECS::Instance", API: ecsAPI, Name: "instance"},
	{Type: "ACS::ECS::Disk", API: ecsAPI, Name: "disk"},
	{Type: "ACS::ECS::Snapshot", API: ecsAPI, Name: "snapshot"},
	{Type: "ACS::ECS::Image", API: ecsAPI, Name: "image"},
	{Type: "ACS::ECS::SecurityGroup", API: ecsAPI, Name: "securitygroup"},
	{Type: "ACS::ECS::NetworkInterface", API: ecsAPI, Name: "eni"},
	{Type: "ACS::ECS::DedicatedHost", API: ecsAPI, Name: "ddh"},
	{Type: "ACS::ECS::KeyPair", API: ecsAPI, Name: "keypair"},
	{Type: "ACS::ECS::LaunchTemplate", API: ecsAPI, Name: "launchtemplate"},
	{Type: "ACS::ECS::ReservedInstance", API: ecsAPI, Name: "reservedinstance"},
	{Type: "ACS::ECS::AutoSnapshotPolicy", API: ecsAPI, Name: "snapshotpolicy"},
	{Type: "ACS::ECS::*"},
	{Type: "ACS::SLB::LoadBalancer", API: slbAPI, Name: "instance"},
	{Type: "ACS::SLB::ServerCertificate", API: slbAPI, Name: "certificate"},
	{Type: "ACS::SLB::AccessControlList", API: slbAPI, Name: "acl"},
	{Type: "ACS::SLB::*"},

	// Network.
	{Type: "ACS::VPC::*"},
	{Type: "ACS::EIP::*"},
	{Type: "ACS::NAT::*"},
	{Type: "ACS::VPN::*"},
	{Type: "ACS::ALB::*"},
	{Type: "ACS::NLB::*"},
	{Type: "ACS::PrivateLink::*"},
	{Type: "ACS::CEN::*", Central: central},
	{Type: "ACS::CBN::*", Central: central},
	{Type: "ACS::GA::*", Central: central},
	{Type: "ACS::SmartAG::*"},
	{Type: "ACS::CDN::*", Central: central},
	{Type: "ACS::DCDN::*", Central: central},
	{Type: "ACS::Alidns::*", Central: central},
	{Type: "ACS::PVTZ::*", Central: central},

	// Compute and containers.
	{Type: "ACS::ECI::*"},
	{Type: "ACS::ESS::*"},
	{Type: "ACS::ENS::*"},
	{Type: "ACS::EHPC::*"},
	{Type: "ACS::SWAS::*"},
	{Type: "ACS::FC::*"},
	{Type: "ACS::FNF::*"},
	{Type: "ACS::SAE::*"},
	{Type: "ACS::EDAS::*"},
	{Type: "ACS::ACK::*"},
	{Type: "ACS::ASK::*"},
	{Type: "ACS::CS::*"},
	{Type: "ACS::CR::*"},
	{Type: "ACS::ACR::*"},

	// Storage.
	{Type: "ACS::OSS::*"},
	{Type: "ACS::NAS::*"},
	{Type: "ACS::HBR::*"},
	{Type: "ACS::OTS::*"},
	{Type: "ACS::EBS::*"},

	// Databases.
	{Type: "ACS::RDS::DBInstance", Name: "instance"},
	{Type: "ACS::RDS::*"},
	{Type: "ACS::Redis::DBInstance", Name: "instance"},
	{Type: "ACS::Redis::*"},
	{Type: "ACS::Kvstore::*"},
	{Type: "ACS::MongoDB::*"},
	{Type: "ACS::DDS::*"},
	{Type: "ACS::PolarDB::*"},
	{Type: "ACS::PolarDBX::*"},
	{Type: "ACS::DRDS::*"},
	{Type: "ACS::ADB::*"},
	{Type: "ACS::GPDB::*"},
	{Type: "ACS::ClickHouse::*"},
	{Type: "ACS::HBase::*"},
	{Type: "ACS::Lindorm::*"},
	{Type: "ACS::OceanBase::*"},
	{Type: "ACS::Memcache::*"},
	{Type: "ACS::DTS::*"},
	{Type: "ACS::DBS::*"},
	{Type: "ACS::DMS::*"},

	// Data, messages and logs.
	{Type: "ACS::SLS::*"},
	{Type: "ACS::Log::*"},
	{Type: "ACS::Elasticsearch::*"},
	{Type: "ACS::EMR::*"},
	{Type: "ACS::MaxCompute::*"},
	{Type: "ACS::Hologres::*"},
	{Type: "ACS::Hologram::*"},
	{Type: "ACS::PAI::*"},
	{Type: "ACS::ALiKafka::*"},
	{Type: "ACS::RocketMQ::*"},
	{Type: "ACS::ONS::*"},
	{Type: "ACS::MNS::*"},
	{Type: "ACS::AMQP::*"},
	{Type: "ACS::EventBridge::*"},
	{Type: "ACS::ApiGateway::*"},
	{Type: "ACS::MSE::*"},
	{Type: "ACS::ARMS::*"},

	// Identity and management.
	{Type: "ACS::RAM::*", Central: central},
	{Type: "ACS::ResourceManager::*", Central: central},
	{Type: "ACS::KMS::*"},
	{Type: "ACS::CAS::*", Central: central},
	{Type: "ACS::WAF::*", Central: central},
	{Type: "ACS::ROS::*"},
	{Type: "ACS::OOS::*"},
	{Type: "ACS::CMS::*"},
	{Type: "ACS::CloudMonitor::*"},
	{Type: "ACS::Config::*"},
	{Type: "ACS::ActionTrail::*"},
}

// most is how many ids a call may hold. Source: the ListTagResources of each,
// ResourceId.N and ResourceARN.N.
func (s service) most() int {
	if s == slbAPI {
		return 20
	}
	return 50
}

// byType has the lines by their type in small letters, byName by the name that
// the product's own API has for it, as if that were the type.
var byType, byName = func() (types, names map[string]*kind) {
	types, names = make(map[string]*kind, len(kinds)), map[string]*kind{}
	for i := range kinds {
		k := &kinds[i]
		lower := strings.ToLower(k.Type)
		types[lower] = k
		if k.Name != "" {
			names[lower[:strings.LastIndexByte(lower, ':')+1]+k.Name] = k
		}
	}
	return types, names
}()

// TypeOf is the type of ActionTrail, as far as it is known, of what a product's own
// API or an ARN calls so: ACS::ECS::NetworkInterface for ACS::Ecs::eni.
func TypeOf(own string) string {
	lower := strings.ToLower(own)
	if k := byName[lower]; k != nil {
		return k.Type
	}
	k := kindOf(lower)
	if k == nil {
		return own
	}
	product, all := strings.CutSuffix(k.Type, "*")
	if !all {
		return k.Type
	}
	return product + own[strings.LastIndexByte(own, ':')+1:]
}

// kindOf finds the line of a type, nil if there is none.
func kindOf(name string) *kind {
	name = strings.ToLower(name)
	product, typ, ok := splitType(name)
	if !ok {
		return nil
	}
	if k := byType[name]; k != nil && typ != "*" {
		return k
	}
	return byType["acs::"+product+"::*"]
}

// splitType takes a type in small letters apart. What is no word cannot be part
// of an ARN.
func splitType(name string) (product, typ string, ok bool) {
	rest, ok := strings.CutPrefix(name, "acs::")
	if !ok {
		return "", "", false
	}
	product, typ, ok = strings.Cut(rest, "::")
	return product, typ, ok && isWord(product) && isWord(typ)
}

func isWord(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-'
	}) < 0
}

// arn writes the name by which the Tag service knows a resource of the type:
// arn:acs:${ProductCode}:${Region}:${Account}:${ResourceType}/${ResourceId}.
func (k *kind) arn(r Resource) string {
	product, typ, _ := splitType(strings.ToLower(r.Type))
	region := r.Region
	if k.Central != "" {
		region = "*" // "You can set this field to an asterisk to indicate the current region"
	}
	return "arn:acs:" + product + ":" + region + ":" + r.Account + ":" + typ + "/" + r.ID
}

// region is where a resource of the type is asked about; "" means nowhere.
func (k *kind) region(of string) string {
	if k.Central != "" {
		return k.Central
	}
	return of
}
