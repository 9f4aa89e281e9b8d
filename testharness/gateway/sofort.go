package gateway

const typeSofort = "SOFORT"

// readSofort checks what a bank transfer by SOFORT needs.
func readSofort(p *payment, e *element) (bad string) {
	p.card = card{paymentType: typeSofort}
	p.hasCard = true
	switch {
	case p.parent != "":
		return "parenttransactionreference"
	case e.text("billingfirstname")+e.text("billinglastname") == "":
		return "billingfirstname"
	case e.text("billingcountryiso2a") == "":
		return "billingcountryiso2a"
	}
	p.transfer = &transfer{}
	return ""
}
